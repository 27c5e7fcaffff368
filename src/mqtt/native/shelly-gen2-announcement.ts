import { readNumber } from '../components/fields.ts';
import type { ComponentSpec } from '../discovery/description.ts';
import { isObject, readLabel } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import { toDeviceBlock, toMac, toSpec } from './shelly-device.ts';
import { toGen2Drafts } from './shelly-gen2-components.ts';
import type { Gen2Answers } from './shelly-gen2-part.ts';
import { toStateSource, type StateSource } from './shelly-gen2-source.ts';

/** What a device's answers come to. */
export interface Announcement {
  /** Null for a device that can't be told from others. */
  readonly mac: string | null;
  readonly deviceId: string | null;
  readonly sleeps: boolean;
  /** Null where nothing can be known of its components. */
  readonly specs: readonly ComponentSpec[] | null;
  readonly refresh: StateSource['refresh'];
  /** Topics and sentences. */
  readonly complaints: readonly (readonly [topic: string, reason: string])[];
}

const NOTHING = { mac: null, deviceId: null, sleeps: false, specs: null, refresh: null, complaints: [] };

export function toAnnouncement(prefix: string, answers: Gen2Answers): Announcement {
  const { info, config, status } = answers;
  const mac = toMac(info.mac);
  const deviceId = readLabel(info, 'id');
  if (mac === null || deviceId === null) {
    return { ...NOTHING, complaints: [[`${prefix}/rpc`, 'the device does not tell its MAC and its id']] };
  }
  const sys = isObject(status.sys) ? status.sys : {};
  const sleeps = (readNumber(sys, 'wakeup_period') ?? 0) > 0;
  const known = { ...NOTHING, mac, deviceId, sleeps };
  const eventTopic = `${prefix}/events/rpc`;
  const source = toStateSource(prefix, config);
  if (!source) {
    const reason =
      'the device tells nothing over MQTT; switch on "Generic status update over MQTT" and ' +
      '"RPC status notifications over MQTT" in its MQTT settings';
    return { ...known, complaints: [[eventTopic, reason]] };
  }
  const model = toModelName(readLabel(info, 'app'));
  const device = toDeviceBlock({
    mac,
    fallbackId: deviceId,
    name: readLabel(info, 'name') ?? (model === null ? deviceId : `${model} ${mac.slice(-6).toUpperCase()}`),
    model,
    modelId: readLabel(info, 'model'),
    swVersion: readLabel(info, 'ver'),
  });
  const frame = { key: mac, device, onlineTopic: sleeps ? null : `${prefix}/online` };
  const drafts = toGen2Drafts(answers, source).slice(0, LIMITS.componentsPerDevice);
  const reason =
    'the device keeps its button presses to itself; switch on "RPC status notifications over MQTT" ' +
    'in its MQTT settings';
  return {
    ...known,
    specs: drafts.map((draft) => toSpec(draft, frame)),
    refresh: source.refresh,
    complaints: !source.hasEvents && hasButtons(answers) ? [[eventTopic, reason]] : [],
  };
}

function hasButtons({ config }: Gen2Answers): boolean {
  return Object.entries(config).some(
    ([name, input]) => name.startsWith('input:') && isObject(input) && input.type === 'button',
  );
}

/** `Plus2PM` as it stands on the box. */
function toModelName(app: string | null): string | null {
  return app === null ? null : `Shelly ${app.replaceAll(/([a-z])(?=[A-Z\d])/g, '$1 ')}`;
}
