import type { Capability, SinkWrite } from '../../src/devices/types.ts';
import type { CorpusHouse, Line, Sent } from './corpus-house.ts';

import { confirms, isConfirmable, toSinkWrite } from '../../src/devices/values.ts';
import { parsePayload } from '../../src/mqtt/discovery/payload.ts';
import { parseDiscoveryTopic } from '../../src/mqtt/discovery/topic.ts';

/** What became of every legal command to a house. */
export interface CommandCount {
  sent: number;
  /** Of those, how many the device's own state topic takes as they are, and gives the value that was commanded. */
  readBack: number;
  /** `device capability value: what went wrong`. */
  readonly failed: string[];
}

/** Sends each writable capability each of its options, orders and ends of range. */
export async function commandEverything(house: CorpusHouse, lines: readonly Line[]): Promise<CommandCount> {
  const count: CommandCount = { sent: 0, readBack: 0, failed: [] };
  const configs = readConfigs(lines);
  await house.bringOnline();
  for (const device of house.devices.list()) {
    for (const capability of device.capabilities.filter(({ writable }) => writable)) {
      const config = configs.get(capability.component);
      for (const value of legalValues(capability)) {
        const name = `${device.name} ${capability.name} ${JSON.stringify(value)}`;
        const sent = await house.sentBy(
          async () =>
            await house.devices
              .command({
                entityId: device.entityId,
                writes: [{ capability: capability.name, value }],
                origin: 'test',
                confirmWithinMs: 0,
              })
              .catch((error: unknown) => count.failed.push(`${name}: ${String(error)}`)),
        );
        // Of a siren they go with its next start.
        const isKept = ['tone', 'duration', 'volume'].includes(capability.kind);
        if (sent.length === 0 && !isKept) count.failed.push(`${name}: nothing was sent`);
        const strays = sent.filter(({ topic }) => !isConfigured(topic, config));
        if (strays.length > 0)
          count.failed.push(`${name}: sent to ${strays.map(({ topic }) => topic).join()}`);
        count.sent += 1;
        if (await isReadBack(house, capability, toSinkWrite(capability, value), sent)) count.readBack += 1;
      }
    }
  }
  return count;
}

function legalValues(capability: Capability): unknown[] {
  const { kind, commands, options, range } = capability;
  if (commands) {
    return commands.map((command) => (capability.needs_code === true ? { command, code: '1234' } : command));
  }
  if (kind === 'color_hs') return [0, 120, 359].map((hue) => ({ hue, saturation: 100 }));
  if (kind === 'on_off' || kind === 'binary' || kind === 'oscillation') return [true, false];
  if (options) return [...options];
  if (kind === 'text') return ['a'.repeat(Math.max(1, range?.min ?? 1))];
  return range ? [range.min, (range.min + range.max) / 2, range.max] : [1];
}

/** The full configuration of each component that discovery describes, as it was told last. */
function readConfigs(lines: readonly Line[]): Map<string, Readonly<Record<string, unknown>>> {
  const configs = new Map<string, Readonly<Record<string, unknown>>>();
  for (const { topic, payload } of lines) {
    const parsed = parseDiscoveryTopic(topic.split('/')[0] ?? '', topic);
    if (!parsed || payload === '' || topic.startsWith('tasmota/')) continue;
    const result = parsePayload(parsed, payload);
    if (result.kind === 'components') for (const { id, config } of result.components) configs.set(id, config);
  }
  return configs;
}

/** Of the devices' own protocols the topics are known by their form. */
function isConfigured(topic: string, config: Readonly<Record<string, unknown>> | undefined): boolean {
  if (!config)
    return /^cmnd\/.|\/cmnd\/.|^zigbee2mqtt\/.+\/set(\/\w+)?$|^zigbee2mqtt\/bridge\/request\//.test(topic);
  return Object.entries(config).some(
    ([key, value]) => /(command|set_position)_topic$/.test(key) && value === topic,
  );
}

/**
 * Whether the device's state, were it word for word what was sent, says what was commanded; false where the two are
 * written in different ways.
 */
async function isReadBack(
  house: CorpusHouse,
  capability: Capability,
  write: SinkWrite,
  sent: readonly Sent[],
): Promise<boolean> {
  const source = house.mqtt.inspector
    .explain(capability.component)
    ?.values.find(({ kind }) => kind === capability.kind);
  const [message] = sent;
  if (!source || !message || /[+#]/.test(source.topic) || !isConfirmable(write)) return false;
  const told = await house.tell({ topic: source.topic, payload: message.payload, retain: false });
  const values = Object.values(told).map((device) => device[capability.name]);
  return values.some((value) => value !== undefined && confirms(write.kind, write.value, value));
}
