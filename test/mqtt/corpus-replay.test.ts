import { describe, expect, test, vi } from 'vitest';

import type { CapabilityValue } from '../../src/devices/types.ts';

import { commandEverything } from './corpus-commands.ts';
import { CorpusHouse, readLines, type Line, type Told } from './corpus-house.ts';
import { answerShelly, OWN_ESPHOME, OWN_SHELLY, OWN_TASMOTA, OWN_ZIGBEE } from './corpus-own.ts';
import * as values from './corpus-values.ts';
import { hasFixtures } from './harness.ts';

/** How many values the messages of a source told, once all devices were described. */
const understood: Record<string, number> = {};

describe.skipIf(!hasFixtures)('recorded states give the right values (reads ../shared/fixtures)', () => {
  // The topics that the same devices had before or after they were renamed would say nothing.
  const isRenamed = ({ payload }: Line): boolean =>
    /weather_sensor_renamed|ha_discovery_group_new/.test(payload);

  test('Zigbee2MQTT, described by discovery', async () => {
    await using house = await CorpusHouse.start();
    await house.play([
      ...readLines('zigbee2mqtt-discovery').filter((line) => !isRenamed(line)),
      ...OWN_ZIGBEE,
    ]);
    expectValues(
      await house.play(readLines('zigbee2mqtt-state')),
      values.ZIGBEE_BY_DISCOVERY,
      'zigbee2mqtt-state',
    );
    // A bulb that was turned off tells no more than that: its template for updates finds nothing, which is no news.
    expect(house.complaints).toEqual([]);
  });

  test('Zigbee2MQTT, described by its own list', async () => {
    await using house = await CorpusHouse.start();
    const states = readLines('zigbee2mqtt-state');
    await house.play(states.filter(({ topic }) => topic.endsWith('/bridge/devices')));
    expectValues(await house.play(states), values.ZIGBEE_BY_ITS_OWN, 'zigbee2mqtt-state, its own list');
    expect(house.complaints).toEqual([]);
  });

  test('Shelly', async () => {
    await using house = await CorpusHouse.start();
    await house.answer('+/rpc', answerShelly);
    const lines = readLines('shelly-native');
    await house.play([...OWN_SHELLY, ...lines]);
    await vi.waitFor(() => expect(house.devices.list()).toHaveLength(8), 10_000);
    // They are asked for their states then, and tell them again.
    expectValues(await house.play(lines), values.SHELLY, 'shelly-native');
    expect(house.complaints).toEqual([]);
  });

  test('Tasmota', async () => {
    await using house = await CorpusHouse.start();
    const lines = readLines('tasmota');
    await house.play([
      ...lines.filter(({ topic }) => topic.startsWith('tasmota/discovery/')),
      ...OWN_TASMOTA,
    ]);
    expectValues(await house.play(lines), values.TASMOTA, 'tasmota');
    expect(house.complaints).toEqual([expect.stringContaining('its topic holds no MAC address')]);
  });

  test('ESPHome', async () => {
    await using house = await CorpusHouse.start();
    await house.play(OWN_ESPHOME);
    expectValues(await house.play(readLines('esphome')), values.ESPHOME, 'esphome');
    expect(house.complaints).toEqual([]);
  });

  test('what Home Assistant documents', async () => {
    await using house = await CorpusHouse.start();
    expectValues(
      await house.play(readLines('ha-docs-and-tests')),
      values.HOME_ASSISTANT,
      'ha-docs-and-tests',
    );
    expect(house.complaints).toEqual([]);
  });
});

/** Neither less nor more than what was expected of each line. */
function expectValues(told: readonly Told[], expected: values.Expected, source: string): void {
  understood[source] = told.flatMap(Object.values).flatMap(Object.keys).length;
  const given = Object.fromEntries(
    told.flatMap((line, at) => (Object.keys(line).length > 0 ? [[String(at), line]] : [])),
  );
  expect(given).toEqual(mapValues(expected, near));
}

/** Colours come by way of other colour spaces, and counters in other units. */
function near(value: CapabilityValue): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 5);
  if (typeof value !== 'object' || value === null) return value;
  return { hue: expect.closeTo(value.hue, -1), saturation: expect.closeTo(value.saturation, -1) };
}

function mapValues(expected: values.Expected, map: (value: CapabilityValue) => unknown): unknown {
  return Object.fromEntries(
    Object.entries(expected).map(([line, devices]) => [
      line,
      Object.fromEntries(
        Object.entries(devices).map(([device, capabilities]) => [
          device,
          Object.fromEntries(Object.entries(capabilities).map(([name, value]) => [name, map(value)])),
        ]),
      ),
    ]),
  );
}

/**
 * Configs: descriptions that are neither a removal nor a migration; refused: those of which something can't be used.
 * Values: what the messages told once the devices were described, see above. Commands: one for each option, order and
 * end of range, each sent to a topic of the configuration; read back: those that the state topic understands word for
 * word, for many devices write their states in another way.
 */
const COLUMNS = [
  'lines',
  'configs',
  'refused',
  'devices',
  'entities',
  'unsupported',
  'capabilities',
  'values',
  'commands',
  'readBack',
] as const;
type Census = Record<(typeof COLUMNS)[number], number>;

/** By source. Who publishes to another discovery prefix speaks to another hub. */
const CENSUS: Readonly<Record<string, Census>> = {
  'zigbee2mqtt-discovery': toCensus(46, 46, 0, 18, 29, 0, 60, 0, 130, 57),
  'zigbee2mqtt-discovery at my_custom_discovery_topic': toCensus(1, 1, 0, 1, 1, 0, 1, 0, 0, 0),
  'zigbee2mqtt-state': toCensus(90, 1, 0, 9, 61, 0, 91, 132, 156, 59),
  'shelly-discovery': toCensus(60, 60, 0, 10, 60, 0, 74, 0, 53, 8),
  'shelly-native': toCensus(15, 3, 0, 4, 10, 0, 11, 13, 6, 6),
  // Refused: a topic in which somebody has masked the MAC. Its commands are words of which the states are JSON.
  tasmota: toCensus(27, 8, 1, 5, 12, 0, 14, 31, 16, 0),
  esphome: toCensus(28, 11, 0, 7, 9, 0, 15, 16, 31, 26),
  // Unsupported: a climate with nothing but a name.
  'ha-docs-and-tests': toCensus(28, 20, 0, 13, 14, 1, 16, 5, 13, 6),
};

describe.skipIf(!hasFixtures)('what is understood of the corpus (reads ../shared/fixtures)', () => {
  const counted: Record<string, Census> = {};
  const refusals: string[] = [];
  const unsupported: string[] = [];
  const complaints: string[] = [];
  const failed: string[] = [];

  test.each(Object.keys(CENSUS))(
    '%s',
    async (name) => {
      const [source = '', prefix = 'homeassistant'] = name.split(' at ');
      const lines = readLines(source).filter((line) => prefixOf(line) === prefix);
      counted[name] = await count(name, lines, prefix);
    },
    60_000,
  );

  test('each source as a whole', () => {
    process.stdout.write(`${toTable(counted)}\n`);
    expect(counted).toEqual(CENSUS);
    expect(unsupported).toEqual(['climate/object/bla: Its configuration has no topic that the hub knows.']);
    expect(refusals).toEqual(['tasmota/discovery/CC50E3******/sensors: its topic holds no MAC address']);
    expect(complaints).toEqual([expect.stringContaining('its topic holds no MAC address')]);
    expect(failed).toEqual([]);
  });

  async function count(name: string, lines: readonly Line[], prefix: string): Promise<Census> {
    await using house = await CorpusHouse.start(prefix);
    await house.play(lines);
    const expected = CENSUS[name]?.devices ?? 0;
    // Some are told of only after the hub has waited for what else they say.
    await vi.waitFor(() => expect(house.devices.list().length).toBeGreaterThanOrEqual(expected), 5_000);
    const { refused } = await house.mqtt.inspector.sniff({ seconds: 0 });
    refusals.push(...refused.map(({ topic, reason }) => `${topic}: ${reason}`));
    const components = house.devices.components().filter(({ withdrawnAtMs }) => withdrawnAtMs === null);
    const strange = components.flatMap(({ id, unsupported: why }) => (why === null ? [] : `${id}: ${why}`));
    unsupported.push(...strange);
    const devices = house.devices.list();
    // Before the commands: some are told back as states of another form.
    complaints.push(...house.complaints);
    const commands = await commandEverything(house, lines);
    failed.push(...commands.failed);
    return {
      lines: lines.length,
      configs: lines.filter(isConfig).length,
      refused: refused.length,
      devices: devices.length,
      entities: components.length,
      unsupported: strange.length,
      capabilities: devices.flatMap(({ capabilities }) => capabilities).length,
      values: understood[name] ?? 0,
      commands: commands.sent,
      readBack: commands.readBack,
    };
  }
});

/** In the order of the table's columns. */
function toCensus(...counts: readonly number[]): Census {
  return Object.fromEntries(COLUMNS.map((column, at) => [column, counts[at] ?? 0])) as Census;
}

function isConfig({ topic, payload }: Line): boolean {
  const isDescription = /\/config$|^tasmota\/discovery\/|^esphome\/discover\/|\/bridge\/devices$/.test(topic);
  return isDescription && payload !== '' && !payload.includes('migrate_discovery');
}

function prefixOf({ topic }: Line): string {
  return (
    /^(.+?)\/[a-z_]+\/.+\/config$/.exec(topic)?.[1]?.replace(/^tasmota$/, 'homeassistant') ?? 'homeassistant'
  );
}

function toTable(counted: Readonly<Record<string, Census>>): string {
  const names = Object.keys(counted);
  const width = Math.max(...names.map(({ length }) => length));
  const head = ['source'.padEnd(width), ...COLUMNS].join('  ');
  const rows = names.map((name) =>
    [
      name.padEnd(width),
      ...COLUMNS.map((column) => String(counted[name]?.[column]).padStart(column.length)),
    ].join('  '),
  );
  return [head, ...rows].join('\n');
}
