import { describe, expect, test, vi } from 'vitest';

import { expandConfig, resolveBaseTopic } from '../../src/mqtt/discovery/expand.ts';
import { Availability } from '../../src/mqtt/discovery/availability.ts';
import { Templates } from '../../src/mqtt/components/templates.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Message } from '../../src/mqtt/message.ts';
import { announce, startHouse } from './harness.ts';

function read(config: Record<string, unknown>): Availability {
  return Availability.read(resolveBaseTopic(expandConfig(config)), new Templates(silentLogger));
}

function tell(availability: Availability, topic: string, text: string): boolean | undefined {
  availability.update(new Message({ topic, payload: Buffer.from(text), retained: false }), 0);
  return availability.current;
}

const two = [{ t: 'a' }, { t: 'b' }];

describe('modes', () => {
  test('without topics it is always available', () => {
    expect(read({}).current).toBe(true);
    expect(read({ avty: [] }).current).toBe(true);
  });

  test('a single topic is unknown until one of the two texts comes; others change nothing', () => {
    const availability = read({ avty_t: 'lwt', pl_avail: 'Online', pl_not_avail: 'Offline' });
    expect(availability.current).toBeUndefined();
    expect(tell(availability, 'lwt', 'online')).toBeUndefined();
    expect(tell(availability, 'lwt', 'Online')).toBe(true);
    expect(tell(availability, 'lwt', 'rebooting')).toBe(true);
    expect(tell(availability, 'other', 'Offline')).toBe(true);
    expect(tell(availability, 'lwt', 'Offline')).toBe(false);
  });

  test('latest: the last word counts, whoever says it', () => {
    const availability = read({ avty: two });
    expect(tell(availability, 'a', 'online')).toBe(true);
    expect(tell(availability, 'b', 'offline')).toBe(false);
    expect(tell(availability, 'a', 'online')).toBe(true);
  });

  test('all: one is not enough, and one that is offline decides', () => {
    const availability = read({ avty: two, avty_mode: 'all' });
    expect(tell(availability, 'a', 'online')).toBeUndefined();
    expect(tell(availability, 'b', 'online')).toBe(true);
    expect(tell(availability, 'a', 'offline')).toBe(false);
    expect(tell(read({ avty: two, avty_mode: 'all' }), 'b', 'offline')).toBe(false);
  });

  test('any: one is enough', () => {
    const availability = read({ avty: two, avty_mode: 'any' });
    expect(tell(availability, 'a', 'offline')).toBeUndefined();
    expect(tell(availability, 'b', 'online')).toBe(true);
    expect(tell(availability, 'b', 'offline')).toBe(false);
  });

  test('an object in place of the list is taken', () => {
    const availability = read({ '~': 'nuki', avty: { t: '~/status', pl_avail: true, pl_not_avail: false } });
    expect(availability.topics).toEqual(['nuki/status']);
    expect(tell(availability, 'nuki/status', 'true')).toBe(true);
    expect(tell(availability, 'nuki/status', 'false')).toBe(false);
  });

  test('templates read the payload, also one that always says offline', () => {
    const online = read({ avty: [{ t: 'bridge', val_tpl: '{{ value_json.state }}' }] });
    expect(tell(online, 'bridge', '{"state":"online"}')).toBe(true);
    const disabled = read({ avty_t: 'bridge', avty_tpl: '{{ "offline" }}' });
    expect(tell(disabled, 'bridge', '{"state":"online"}')).toBe(false);
  });
});

describe('at work', () => {
  test('topics that stay silent mean unavailable, but not before they had their time', async () => {
    await using house = await startHouse({ availabilityGraceMs: 200 });
    const device = await house.connect();
    const started = performance.now();
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', avty_t: 'a/lwt' });
    await vi.waitFor(() => expect(house.registry.available.get('switch/a')).toBe(false));
    expect(performance.now() - started).toBeGreaterThan(190);
    await device.publishAsync('a/lwt', 'online');
    await vi.waitFor(() => expect(house.registry.available.get('switch/a')).toBe(true));
  });

  test('a retained word is heard before the silence is judged', async () => {
    await using house = await startHouse({ availabilityGraceMs: 100 });
    const device = await house.connect();
    const told = vi.spyOn(house.registry, 'setAvailable');
    await announce(device, 'a/lwt', 'online');
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', avty_t: 'a/lwt' });
    await announce(device, 'homeassistant/switch/b/config', { cmd_t: 'a/set', avty_t: 'b/lwt' });
    await vi.waitFor(() => expect(house.registry.available.get('switch/b')).toBe(false));
    expect(told.mock.calls.filter(([id]) => id === 'switch/a')).toEqual([['switch/a', true]]);
  });

  test('a new description with the same availability does not make the device blink', async () => {
    await using house = await startHouse({ availabilityGraceMs: 50 });
    const device = await house.connect();
    const topic = 'homeassistant/switch/a/config';
    await announce(device, topic, { cmd_t: 'a/set', avty_t: 'a/lwt', name: 'One' });
    await device.publishAsync('a/lwt', 'online', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.available.get('switch/a')).toBe(true));
    const told = vi.spyOn(house.registry, 'setAvailable');
    await announce(device, topic, { cmd_t: 'a/set', avty_t: 'a/lwt', name: 'Two' });
    await announce(device, 'homeassistant/switch/b/config', { cmd_t: 'a/set', avty_t: 'b/lwt' });
    await vi.waitFor(() => expect(house.registry.available.get('switch/b')).toBe(false));
    expect(told.mock.calls).not.toContainEqual(['switch/a', false]);
  });
});
