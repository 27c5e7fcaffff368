import { describe, expect, test, vi } from 'vitest';

import type { ComponentDescription } from '../../src/devices/types.ts';

import { silentLogger } from '../../src/base/log.ts';
import { toCodec } from '../../src/mqtt/components/components.ts';
import { Templates } from '../../src/mqtt/components/templates.ts';
import { Availability } from '../../src/mqtt/discovery/availability.ts';
import { describeComponent, type ComponentSpec } from '../../src/mqtt/discovery/description.ts';
import { parsePayload } from '../../src/mqtt/discovery/payload.ts';
import { parseDiscoveryTopic } from '../../src/mqtt/discovery/topic.ts';
import { Message } from '../../src/mqtt/message.ts';
import { hasFixtures, readFixture, type Recorded } from './harness.ts';

/** What the hub keeps without understanding it. */
const UNSPOKEN = new Set(['camera', 'image', 'date', 'datetime', 'time', 'tag', 'notify', 'infrared']);
/** Recorded as an example of a topic, with nothing that the component could do. */
const EMPTY = new Set(['climate/object/bla']);

/** Payloads recorded from real firmware; they live beside the project, in ../shared/fixtures. */
describe.skipIf(!hasFixtures)('recorded payloads (reads ../shared/fixtures)', () => {
  const recorded: Recorded[] = hasFixtures
    ? ['zigbee2mqtt-discovery', 'shelly-discovery', 'esphome', 'tasmota', 'ha-docs-and-tests'].flatMap(
        (name) => readFixture(`${name}.jsonl`),
      )
    : [];
  const configs = recorded.flatMap(({ topic, payload }) => {
    const prefix = topic.split('/')[0] ?? '';
    const parsed = parseDiscoveryTopic(prefix, topic);
    if (!parsed || payload === '' || prefix === 'tasmota') return [];
    const result = parsePayload(parsed, payload);
    return result.kind === 'components' ? result.components : [];
  });

  test('there are many, of every kind', () => {
    expect(configs.length).toBeGreaterThan(120);
    expect(new Set(configs.map(({ type }) => type)).size).toBeGreaterThan(8);
  });

  test('every component that the hub speaks is accepted, every other kept with a reason', () => {
    const rejected: Record<string, string> = {};
    for (const spec of configs) {
      const { codec, description } = open(spec);
      expect(description.device.identifiers.length).toBeGreaterThan(0);
      if (UNSPOKEN.has(spec.type)) expect(codec).toMatch(/not supported yet/);
      else if (EMPTY.has(spec.id)) expect(codec).toMatch(/no topic that the hub knows/);
      else if (typeof codec === 'string') rejected[spec.id] = codec;
    }
    expect(rejected).toEqual({});
  });

  test('every recorded state is decoded into values of the promised kinds, without a complaint', () => {
    const warn = vi.spyOn(silentLogger, 'warn');
    const states = ['zigbee2mqtt-state', 'esphome', 'shelly-native', 'tasmota', 'ha-docs-and-tests']
      .flatMap((name) => readFixture(`${name}.jsonl`))
      .filter(({ topic }) => !topic.endsWith('/config'));
    let values = 0;
    for (const spec of configs) {
      const { codec, availability } = open(spec);
      if (typeof codec === 'string') continue;
      const kinds = codec.capabilities.map(({ kind }) => kind);
      for (const { topic, payload } of states) {
        const message = new Message({ topic, payload: Buffer.from(payload), retained: false });
        availability.update(message, 0);
        for (const { kind, value } of codec.decode(message)) {
          values += 1;
          expect(kinds).toContain(kind);
          expect(value).not.toBeNaN();
          expect(value).not.toBeUndefined();
        }
      }
    }
    expect(values).toBeGreaterThan(60);
    expect(warn.mock.calls).toEqual([]);
  });

  test('Zigbee2MQTT: unknown is null, partial states say no more than they hold', () => {
    const lamp = find('light/0x000b57fffec6a5b2/light');
    const tell = (payload: string): unknown =>
      lamp.decode(new Message({ topic: 'zigbee2mqtt/bulb', payload: Buffer.from(payload), retained: false }));
    expect(tell('{"brightness":50,"color_temp":370,"effect":null,"state":"ON"}')).toEqual([
      { kind: 'on_off', value: true },
      { kind: 'brightness', value: 20 },
      { kind: 'color_temperature', value: 370 },
      { kind: 'effect', value: null },
    ]);
    expect(tell('{"state":null}')).toEqual([{ kind: 'on_off', value: null }]);
  });

  test('Shelly: a metering plug, a bulb of templates, a colour bulb', () => {
    const template = find('light/shelly1g4-aabbccddeeff-0');
    const topic = template.topics[0] ?? '';
    const message = new Message({ topic, payload: Buffer.from('{"id":0,"output":true}'), retained: false });
    expect(template.decode(message)).toEqual([{ kind: 'on_off', value: true }]);
    expect(template.encode?.([{ kind: 'on_off', value: false }]).messages[0]).toMatchObject({
      topic: 'shelly1g4-aabbccddeeff/rpc',
      payload: expect.stringContaining('"method":"Switch.Set","params":{"id":0,"on":false}'),
    });
    const bulb = find('light/shellycolorblbg3-aabbccddeeff-rgbcct-0');
    expect(bulb.capabilities.map(({ kind }) => kind)).toEqual([
      'on_off',
      'brightness',
      'color_temperature',
      'color_hs',
    ]);
    const payload = Buffer.from('{"output":true,"mode":"rgb","rgb":[255,0,0],"brightness":40,"ct":3000}');
    const state = bulb.decode(new Message({ topic: bulb.topics[0] ?? '', payload, retained: false }));
    expect(state).toEqual([
      { kind: 'on_off', value: true },
      { kind: 'brightness', value: 40 },
      { kind: 'color_hs', value: { hue: 0, saturation: 100 } },
    ]);
  });

  test('Tasmota: a counter in kWh is energy, though it calls itself power', () => {
    expect(find('sensor/522851_ENERGY_Today').capabilities).toMatchObject([{ kind: 'energy', unit: 'kWh' }]);
  });

  function open(spec: ComponentSpec): {
    codec: ReturnType<typeof toCodec>;
    availability: Availability;
    description: ComponentDescription;
  } {
    const templates = new Templates(silentLogger);
    const codec = toCodec(spec.type, spec.config, templates);
    const description = describeComponent(spec, [], typeof codec === 'string' ? codec : null);
    return { codec, availability: Availability.read(spec.config, templates), description };
  }

  function find(id: string): Exclude<ReturnType<typeof toCodec>, string> {
    const spec = configs.find((candidate) => candidate.id === id);
    const codec = spec && open(spec).codec;
    if (codec === undefined || typeof codec === 'string') throw new Error(`${id} is not usable`);
    return codec;
  }
});
