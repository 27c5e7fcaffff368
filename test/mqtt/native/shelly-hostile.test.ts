import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { silentLogger } from '../../../src/base/log.ts';
import { toCodec } from '../../../src/mqtt/components/components.ts';
import { Templates } from '../../../src/mqtt/components/templates.ts';
import { LIMITS } from '../../../src/mqtt/limits.ts';
import { answerAll, FakeHub, meet, PREFIX, toMessage, type Answers } from './shelly-harness.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const level = fc.oneof(
  fc.constantFrom(
    'shellies',
    'relay',
    'light',
    '0',
    'status',
    'online',
    'events',
    'rpc',
    'announce',
    'command',
  ),
  fc.constantFrom(
    'shelly1-AABBCC',
    'shellyswitch25-48551902F458',
    'input_event',
    'roller',
    'pos',
    'funkygibbon',
    PREFIX,
  ),
  fc.string({ maxLength: 6 }).filter((text) => !/[/+#\0]/.test(text)),
);
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const payload = fc.oneof(
  fc.constantFrom('true', 'false', '', 'on', '-1', 'null', '[]', '{"id":null,"mac":{},"gen":"x"}'),
  fc.constantFrom(
    '{"method":"NotifyStatus"}',
    '{"ison":true,"red":1,"green":2,"blue":3}',
    '{"__proto__":{"a":1}}',
  ),
  fc.constant('['.repeat(5_000)),
  fc.json(),
  fc.string(),
);

describe('whatever arrives', () => {
  test('nothing is thrown, and what is announced can be used', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(topic, payload, fc.boolean()), { maxLength: 40 }), (messages) => {
        using hub = new FakeHub();
        hub.protocol.connected();
        for (const [where, what, retained] of messages) hub.hear(where, what, retained);
        vi.advanceTimersByTime(60_000);
        hub.protocol.connected();
        expectUsable(hub);
      }),
      { numRuns: 200 },
    );
  });

  const component = fc.oneof(
    fc.constantFrom(
      'switch:0',
      'light:0',
      'rgb:0',
      'rgbw:1',
      'cct:0',
      'rgbcct:0',
      'cover:0',
      'input:0',
      'em:0',
    ),
    fc.constantFrom(
      'emdata:0',
      'sys',
      'wifi',
      'mqtt',
      'bthome',
      'bthomesensor:200',
      'bthomedevice:200',
      '__proto__',
    ),
    fc.constantFrom(
      'switch:0/../x',
      'switch:"}}',
      'temperature:0',
      'devicepower:0',
      'flood:0',
      'presencezone:200',
    ),
    fc.string({ maxLength: 8 }),
  );
  const member = fc.constantFrom(
    'output',
    'apower',
    'aenergy',
    'temperature',
    'brightness',
    'rgb',
    'white',
    'ct',
    'ct_range',
    'state',
    'type',
    'name',
    'battery',
    'addr',
    'obj_id',
    'idx',
    'ui_data',
    'consumption_types',
    'slat',
    'pos_control',
    'rssi',
    'status_ntf',
    'rpc_ntf',
    'enable_control',
    'wakeup_period',
    'available_updates',
    'constructor',
  );
  const value = fc.oneof(
    fc.constantFrom(
      true,
      null,
      -1,
      1e308,
      'button',
      'f8:44:77:22:33:cc',
      '{{ 1/0 }}',
      '"}}{% for %}',
      0x3a,
      0x45,
    ),
    fc.constantFrom([2700, 6500], [null], { enable: true }, { total: 1 }, { percent: 'x' }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const parts = fc.dictionary(component, fc.dictionary(member, value, { maxKeys: 6 }), { maxKeys: 8 });
  const answers: fc.Arbitrary<Answers> = fc.record({
    id: fc.constantFrom(PREFIX, 'other'),
    info: fc.record(
      {
        mac: fc.constantFrom('4417939458E0', 'x', null),
        gen: fc.constantFrom(1, 2, '3'),
        name: value,
        app: value,
      },
      { requiredKeys: [] },
    ),
    mqtt: fc.dictionary(member, value, { maxKeys: 3 }),
    config: parts,
    status: parts,
    components: fc.array(
      fc.record(
        { key: component, config: value, status: value },
        { requiredKeys: [] },
      ) as fc.Arbitrary<object>,
      { maxLength: 5 },
    ),
  });

  test('whatever a device answers', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        using hub = new FakeHub();
        hub.hear(`${PREFIX}/online`, 'true');
        answerAll(hub, PREFIX, answer);
        expectUsable(hub);
      }),
      { numRuns: 300 },
    );
  });

  test('whatever a component hears, its templates answer or are passed over', () => {
    const status = { 'rgbw:0': { apower: 1 }, 'cover:0': { pos_control: true }, 'rgbcct:0': {}, 'cct:0': {} };
    using byStatus = meet({ status, config: { 'input:0': { type: 'button' } } });
    using byNotice = meet({ status, mqtt: { status_ntf: false } });
    const heard = fc.oneof(
      payload,
      fc.dictionary(member, value).map((object) => JSON.stringify(object)),
      parts.map((params) => JSON.stringify({ method: 'NotifyStatus', params })),
    );
    const codecs = [byStatus, byNotice]
      .flatMap((hub) => [...hub.announced.values()].flat())
      .map(({ type, config }) => toCodec(type, config, new Templates(silentLogger)))
      .filter((codec) => typeof codec !== 'string');
    fc.assert(
      fc.property(heard, (text) => {
        for (const codec of codecs) {
          for (const filter of codec.topics) codec.decode(toMessage(filter.replace('+', 'events'), text));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('nothing grows without bound', () => {
  test('prefixes that are online and never answer give way to new ones, and few are asked at a time', () => {
    using hub = new FakeHub();
    for (let n = 0; n < 2_000; n += 1) hub.hear(`flood${n}/online`, 'true', true);
    expect(hub.published).toHaveLength(4);
    expect(hub.complaints.length).toBeGreaterThan(0);
    expect(new Set(hub.complaints).size).toBe(1);
    vi.advanceTimersByTime(10_000);
    hub.hear(`${PREFIX}/online`, 'true', true);
    vi.advanceTimersByTime(3_600_000);
    answerAll(hub, PREFIX, { id: PREFIX, status: { 'switch:0': { output: true } } });
    vi.advanceTimersByTime(24 * 3_600_000);
    expect(hub.published.length).toBeLessThan(501 * 6);
    expect(vi.getTimerCount()).toBeLessThan(501);
  });

  test('a device that keeps coming online is not asked all the time', () => {
    using hub = meet({ status: { 'switch:0': { output: true } } });
    vi.advanceTimersByTime(30_000);
    hub.published.length = 0;
    for (let n = 0; n < 1_000; n += 1) {
      hub.hear(`${PREFIX}/online`, 'false');
      hub.hear(`${PREFIX}/online`, 'true');
      vi.advanceTimersByTime(100);
    }
    expect(hub.published.length).toBeLessThan(12);
  });

  test('devices of the first generation, and the topics of each', () => {
    using hub = new FakeHub();
    for (let n = 0; n < 600; n += 1) hub.hear(`shellies/x${n}/relay/0`, 'on');
    for (let n = 0; n < 100; n += 1) hub.hear(`shellies/x0/relay/${n}`, 'on');
    vi.advanceTimersByTime(500);
    expect(hub.announced.size).toBe(500);
    expect(hub.announced.get('x0')).toHaveLength(64);
    expect(new Set(hub.complaints)).toHaveLength(2);
  });

  test('answers that are too large or too deep', () => {
    for (const answer of [
      (id: number) => `{"id":${id},"src":"${PREFIX}","result":${'['.repeat(100)}${']'.repeat(100)}}`,
      (id: number) => `{"id":${id},"src":"${PREFIX}","result":{"x":"${'x'.repeat(300_000)}"}}`,
    ]) {
      using hub = new FakeHub();
      hub.hear(`${PREFIX}/online`, 'true');
      const [request] = hub.takeRequests(PREFIX);
      hub.hear(`${request?.src}/rpc`, answer(request?.id ?? 0));
      expect(hub.complaints).toHaveLength(1);
      expect(hub.takeRequests(PREFIX)).toEqual([]);
    }
  });

  test('components of a device', () => {
    const status = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`switch:${n}`, { output: true }]),
    );
    using hub = meet({ status });
    expect([...hub.announced.values()][0]).toHaveLength(LIMITS.componentsPerDevice);
  });

  test('pages without an end', () => {
    using hub = new FakeHub();
    hub.hear(`${PREFIX}/online`, 'true');
    let asked = 0;
    for (;;) {
      const [request] = hub.takeRequests(PREFIX);
      if (!request) break;
      asked += 1;
      const page = { components: [{ key: `bthomesensor:${asked}` }], total: 1e9 };
      const known = { id: PREFIX, mac: '4417939458E0', gen: 3, bthome: {}, mqtt: { status_ntf: true } };
      const result = request.method === 'Shelly.GetComponents' ? page : known;
      hub.hear(`${request.src}/rpc`, { id: request.id, src: PREFIX, result });
    }
    expect(asked).toBe(3 + 24);
    expect(hub.announcements).toBe(1);
  });

  test('once it is closed, nothing happens any more', () => {
    const hub = meet({ status: { 'switch:0': { output: true } } });
    hub.hear('shellies/x/relay/0', 'on');
    hub.hear('other/online', 'true');
    hub[Symbol.dispose]();
    const [sent, announcements] = [hub.published.length, hub.announcements];
    vi.advanceTimersByTime(24 * 3_600_000);
    expect([hub.published.length, hub.announcements]).toEqual([sent, announcements]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** Identities are of the allowed characters, unique, and every component is one that the hub can speak to. */
function expectUsable(hub: FakeHub): void {
  for (const [key, specs] of hub.announced) {
    expect(key).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(new Set(specs.map(({ id }) => id)).size).toBe(specs.length);
    for (const { id, type, config } of specs) {
      expect(id).toMatch(/^[a-z_]+\/shelly_[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/);
      const codec = toCodec(type, config, new Templates(silentLogger));
      if (typeof codec === 'string') expect(codec).toMatch(/not supported yet/);
    }
  }
  for (const { topic } of hub.published) expect(topic).not.toMatch(/[+#\0]/);
}
