import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { answerAll, FakeHub, KEY, meet, PREFIX, resultOf } from './shelly-harness.ts';

const RELAY = { id: PREFIX, status: { 'switch:0': { id: 0, output: false, apower: 0 } } };
const ALL = ['Shelly.GetDeviceInfo', 'Shelly.GetConfig', 'Shelly.GetStatus'];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('how a device becomes known', () => {
  test('what is online is asked three questions, one after the other, and announced with its device', () => {
    using hub = new FakeHub();
    hub.hear(`${PREFIX}/online`, 'true', true);
    const [first, ...more] = hub.takeRequests(PREFIX);
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      method: 'Shelly.GetDeviceInfo',
      src: expect.stringMatching(/^funkygibbon\/[\w-]+$/),
    });
    hub.hear(`${first?.src}/rpc`, {
      id: first?.id,
      src: PREFIX,
      result: resultOf('Shelly.GetDeviceInfo', RELAY),
    });
    expect(answerAll(hub, PREFIX, RELAY)).toEqual(ALL.slice(1));
    expect(hub.ids(KEY)).toEqual([
      'binary_sensor update',
      'sensor switch_0_apower',
      'sensor wifi_rssi',
      'switch switch_0',
    ]);
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({
      name: null,
      device: {
        identifiers: ['44:17:93:94:58:e0', '4417939458e0'],
        connections: [['mac', '44:17:93:94:58:e0']],
        name: 'Kitchen',
        manufacturer: 'Shelly',
        model: 'Shelly Plus 1PM',
        model_id: 'SNSW-001X16EU',
        sw_version: '1.4.4',
      },
      availability: [
        { topic: `${PREFIX}/online`, payload_available: 'true', payload_not_available: 'false' },
      ],
    });
    expect(hub.complaints).toEqual([]);
    using nameless = meet({ ...RELAY, info: { name: null } });
    expect(nameless.config(KEY, 'switch switch_0')).toMatchObject({
      device: { name: 'Shelly Plus 1PM 9458E0' },
    });
  });

  test('a notification shows it as well, and a prefix may hold a slash', () => {
    using hub = new FakeHub();
    hub.hear('house/kitchen/events/rpc', { src: PREFIX, method: 'NotifyStatus', params: {} });
    expect(answerAll(hub, 'house/kitchen', RELAY)).toEqual(ALL);
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({
      command_topic: 'house/kitchen/rpc',
      state_topic: 'house/kitchen/status/switch:0',
    });
    hub.hear('other/events/rpc', { method: 'SomethingElse' });
    hub.hear('other/events/rpc', 'not JSON');
    expect(hub.takeRequests('other')).toEqual([]);
  });

  test('it may have its topic where the first generation has its own', () => {
    using hub = new FakeHub();
    hub.hear('shellies/shellyplus2pm-XXX/announce', { id: 'x', mac: 'XXX', gen: 2, app: 'Plus2PM' });
    expect(answerAll(hub, 'shellies/shellyplus2pm-XXX', RELAY)).toEqual(ALL);
    hub.hear('shellies/desk/events/rpc', { method: 'NotifyStatus' });
    expect(hub.takeRequests('shellies/desk')).toHaveLength(1);
    hub.hear('shellies/shelly1-AABBCC/online', 'true');
    expect(hub.takeRequests('shellies/shelly1-AABBCC')).toEqual([]);
  });

  test('it is asked once for each time that it comes online, and again when its configuration changes', () => {
    using hub = meet(RELAY);
    hub.hear(`${PREFIX}/online`, 'true', true);
    hub.hear(`${PREFIX}/events/rpc`, { method: 'NotifyStatus', params: { 'switch:0': { output: true } } });
    vi.advanceTimersByTime(60_000);
    expect(hub.takeRequests(PREFIX)).toEqual([]);
    hub.hear(`${PREFIX}/online`, 'false', true);
    hub.hear(`${PREFIX}/online`, 'true', true);
    expect(answerAll(hub, PREFIX, RELAY)).toEqual(ALL);
    hub.hear(`${PREFIX}/events/rpc`, {
      method: 'NotifyEvent',
      params: { events: [{ component: 'switch:0', event: 'config_changed' }] },
    });
    expect(hub.takeRequests(PREFIX)).toEqual([]);
    vi.advanceTimersByTime(30_000);
    expect(answerAll(hub, PREFIX, RELAY)).toEqual(ALL);
    hub.protocol.connected();
    expect(answerAll(hub, PREFIX, RELAY)).toEqual(ALL);
    expect(hub.announcements).toBe(4);
  });

  test('with another topic prefix it is the same device', () => {
    using hub = meet(RELAY);
    hub.hear('renamed/online', 'true');
    answerAll(hub, 'renamed', RELAY);
    expect([...hub.announced.keys()]).toEqual([KEY]);
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({ command_topic: 'renamed/rpc' });
  });
});

describe('asking', () => {
  test('no more than four devices are asked at a time', () => {
    using hub = new FakeHub();
    for (let n = 0; n < 10; n += 1) hub.hear(`device${n}/online`, 'true', true);
    expect(hub.published).toHaveLength(4);
    answerAll(hub, 'device0', { ...RELAY, info: { mac: '000000000000' } });
    expect(hub.published.map(({ topic }) => topic)).toEqual([1, 2, 3, 4].map((n) => `device${n}/rpc`));
    vi.advanceTimersByTime(10_000);
    expect(
      hub.published
        .map(({ topic }) => topic)
        .filter((topic) => topic.endsWith('/rpc'))
        .slice(4),
    ).toEqual([5, 6, 7, 8].map((n) => `device${n}/rpc`));
  });

  test('what shows that it is a Shelly does not wait for all that only say that they are online', () => {
    using hub = new FakeHub();
    for (let n = 0; n < 100; n += 1) hub.hear(`fake${n}/online`, 'true', true);
    hub.hear('real/online', 'true', true);
    hub.hear('real/events/rpc', { method: 'NotifyStatus' });
    expect(hub.takeRequests('real')).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(hub.takeRequests('real')).toHaveLength(1);
  });

  test('what has not answered waits for what was not asked yet', () => {
    using hub = new FakeHub();
    for (let n = 0; n < 20; n += 1) hub.hear(`fake${n}/online`, 'true', true);
    // By then the first of them are due again, and the last ones are being asked.
    vi.advanceTimersByTime(45_000);
    hub.hear('real/online', 'true', true);
    expect(hub.takeRequests('real')).toEqual([]);
    vi.advanceTimersByTime(5_000);
    expect(hub.takeRequests('real')).toHaveLength(1);
  });

  test('who does not answer is asked again with growing delay, and in the end left alone', () => {
    using hub = new FakeHub();
    hub.hear('mute/online', 'true', true);
    const gaps = [0, 30, 120, 600, 3600];
    for (const seconds of gaps) {
      vi.advanceTimersByTime(seconds * 1000);
      expect(hub.takeRequests('mute')).toHaveLength(1);
      vi.advanceTimersByTime(10_000);
    }
    vi.advanceTimersByTime(24 * 3_600_000);
    expect(hub.takeRequests('mute')).toEqual([]);
    // It may be something else that says `online` in the same way.
    expect(hub.complaints).toEqual([]);
    hub.hear('mute/online', 'true');
    expect(hub.takeRequests('mute')).toHaveLength(1);
  });

  test('a Shelly that never answers is complained about, with what to do', () => {
    using hub = new FakeHub();
    hub.hear('mute/events/rpc', { method: 'NotifyStatus' });
    vi.advanceTimersByTime(2 * 3_600_000);
    expect(hub.complaints).toEqual([expect.stringContaining('Enable RPC over MQTT')]);
  });

  test('a Shelly that notifies all the time and never answers is asked ever more rarely', () => {
    using hub = new FakeHub();
    for (let seconds = 0; seconds < 24 * 3600; seconds += 5) {
      hub.hear('mute/events/rpc', { method: 'NotifyStatus' });
      vi.advanceTimersByTime(5_000);
    }
    expect(hub.published.length).toBeLessThan(30);
  });

  test('an answer that nobody asked for, or of somebody else, tells nothing', () => {
    using hub = new FakeHub();
    const forged = { id: 1, src: PREFIX, result: resultOf('Shelly.GetDeviceInfo', RELAY) };
    hub.hear('funkygibbon/guess/rpc', forged);
    hub.hear('funkygibbon/rpc', forged);
    hub.hear(`${PREFIX}/online`, 'true');
    hub.hear('funkygibbon/guess/rpc', forged);
    expect(hub.takeRequests(PREFIX)).toHaveLength(1);
    expect(hub.announced.size).toBe(0);
    using other = new FakeHub();
    other.hear(`${PREFIX}/online`, 'true');
    const [request] = other.takeRequests(PREFIX);
    other.hear(`${request?.src}/rpc`, { ...forged, id: 999 });
    other.hear(`${request?.src}/rpc`, { ...forged, id: request?.id, src: 'another' });
    expect(answerAll(other, PREFIX, RELAY)).toEqual([]);
    expect(other.complaints).toEqual([expect.stringContaining('another device answers')]);
  });

  test('an answer counts once', () => {
    using hub = new FakeHub();
    hub.hear(`${PREFIX}/online`, 'true');
    const [request] = hub.takeRequests(PREFIX);
    const answer = { id: request?.id, src: PREFIX, result: resultOf('Shelly.GetDeviceInfo', RELAY) };
    hub.hear(`${request?.src}/rpc`, answer);
    hub.hear(`${request?.src}/rpc`, answer);
    expect(hub.takeRequests(PREFIX)).toHaveLength(1);
  });

  test.each([
    [{ code: 401, message: '{"auth_type":"digest"}' }, /password/],
    [{ code: 404, message: 'No handler' }, /refused Shelly.GetDeviceInfo: No handler/],
  ])('a refusal is passed on: %j', (error, reason) => {
    using hub = new FakeHub();
    hub.hear(`${PREFIX}/online`, 'true');
    const [request] = hub.takeRequests(PREFIX);
    hub.hear(`${request?.src}/rpc`, { id: request?.id, src: PREFIX, error });
    expect(hub.complaints).toEqual([expect.stringMatching(reason)]);
  });

  test('a command that a device refuses is complained about, in its name', () => {
    using hub = meet(RELAY);
    const error = { code: -105, message: 'Argument id, value 7 not found!' };
    hub.hear('funkygibbon/command/rpc', { id: 1, src: 'stranger', dst: 'funkygibbon/command', error });
    hub.hear('funkygibbon/command/rpc', { id: 1, src: PREFIX, result: { was_on: false } });
    expect(hub.complaints).toEqual([]);
    hub.hear('funkygibbon/command/rpc', { id: 1, src: PREFIX, dst: 'funkygibbon/command', error });
    expect(hub.complaints).toEqual([`${PREFIX}/rpc: the device refused a command: ${error.message}`]);
  });
});

describe('where the states come from', () => {
  test('status topics, which are asked for again', () => {
    using hub = meet(RELAY);
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({ state_topic: `${PREFIX}/status/switch:0` });
    vi.advanceTimersByTime(1_000);
    expect(hub.published).toEqual([
      { topic: `${PREFIX}/command`, payload: 'status_update', qos: 1, retain: false },
    ]);
  });

  test.each([
    { status_ntf: false },
    // Status topics would stay silent until something changes, and nobody could ask for them.
    { enable_control: false },
  ])('notifications, and the answer to a question: %j', (mqtt) => {
    using hub = meet({ ...RELAY, mqtt });
    expect(hub.config(KEY, 'switch switch_0')).toMatchObject({ state_topic: `${PREFIX}/+/rpc` });
    vi.advanceTimersByTime(1_000);
    const [request, ...more] = hub.takeRequests(PREFIX);
    expect(more).toEqual([]);
    expect(request).toMatchObject({ method: 'Shelly.GetStatus', src: `${PREFIX}/funkygibbon` });
  });

  test('neither: one complaint that says what to switch on, nothing announced, nothing written', () => {
    using hub = meet({ ...RELAY, mqtt: { status_ntf: false, rpc_ntf: false } });
    expect(hub.announced.size).toBe(0);
    expect(hub.complaints).toEqual([
      expect.stringMatching(/Generic status update.*RPC status notifications/),
    ]);
    vi.advanceTimersByTime(3_600_000);
    expect(hub.published).toEqual([]);
  });

  test('without notifications there are no buttons, and that is said', () => {
    using hub = meet({
      mqtt: { rpc_ntf: false },
      config: { 'input:0': { id: 0, type: 'button' } },
      status: { 'input:0': { id: 0, state: null } },
    });
    expect(hub.ids(KEY)).not.toContain('event input_0');
    expect(hub.complaints).toEqual([expect.stringContaining('button presses')]);
  });
});

describe('devices that sleep', () => {
  const SENSOR = {
    id: PREFIX,
    status: {
      sys: { wakeup_period: 7200, available_updates: {} },
      'temperature:0': { id: 0, tC: 21.5, tF: 70.7 },
      'devicepower:0': { id: 0, battery: { V: 5.3, percent: 80 }, external: { present: false } },
    },
  };

  test('are not dead while they sleep', () => {
    using hub = meet(SENSOR);
    const config = hub.config(KEY, 'sensor temperature_0');
    expect(config).not.toHaveProperty('availability');
    expect(config).not.toHaveProperty('availability_topic');
    expect(config).not.toHaveProperty('expire_after');
  });

  test('are asked when they show themselves, once a day, and told of again from memory', () => {
    using hub = new FakeHub();
    hub.hear(`${PREFIX}/events/rpc`, { method: 'NotifyFullStatus', params: {} });
    expect(answerAll(hub, PREFIX, SENSOR)).toEqual(ALL);
    for (let wake = 0; wake < 5; wake += 1) {
      hub.hear(`${PREFIX}/online`, 'false');
      vi.advanceTimersByTime(7_200_000);
      hub.hear(`${PREFIX}/online`, 'true');
    }
    expect(hub.takeRequests(PREFIX).filter(({ method }) => method !== 'Shelly.GetStatus')).toEqual([]);
    hub.protocol.connected();
    expect(hub.announcements).toBe(2);
    vi.advanceTimersByTime(24 * 3_600_000);
    hub.hear(`${PREFIX}/online`, 'true');
    expect(answerAll(hub, PREFIX, SENSOR)).toEqual(ALL);
  });
});
