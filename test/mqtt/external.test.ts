import { describe, expect, test, vi } from 'vitest';

import { StartError } from '../../src/base/errors.ts';
import {
  announce,
  connectDevice,
  Folder,
  listen,
  PASSWORD,
  RecordingRegistry,
  startHouse,
  type House,
} from './harness.ts';

/** A broker of its own that does not discover anything, as one elsewhere in the house. */
async function startBroker(folder: Folder, port = 0): Promise<House> {
  return await startHouse({ folder, port, discoveryPrefix: 'unused' });
}

describe('an external broker', () => {
  test('is used as the own one: discovery, state, commands', async () => {
    using folder = new Folder();
    await using broker = await startBroker(folder);
    const device = await broker.connect();
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', stat_t: 'a', avty_t: 'a/lwt' });
    await announce(device, 'a/lwt', 'online');
    await announce(device, 'a', 'ON');
    await using hub = await startHouse({ mode: 'external', url: broker.mqtt.url });
    await vi.waitFor(() => expect(hub.registry.values('switch/a')).toEqual({ on_off: true }));
    expect(hub.registry.available.get('switch/a')).toBe(true);
    expect(hub.mqtt.connected).toBe(true);
    expect(hub.mqtt.url).toBe(broker.mqtt.url);
    const heard = await listen(device, 'a/set');
    await hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: false }], 'x');
    await vi.waitFor(() => expect(heard).toEqual(['a/set OFF']));
    await announce(device, 'homeassistant/switch/a/config', '');
    await vi.waitFor(() => expect(hub.registry.withdrawn).toEqual(['switch/a']));
  });

  test('that refuses the password stops the start and says what to do', async () => {
    using folder = new Folder();
    await using broker = await startBroker(folder);
    const attempt = startHouse({ mode: 'external', url: broker.mqtt.url, password: 'guess' });
    await expect(attempt).rejects.toThrow(StartError);
    await expect(attempt).rejects.toThrow(/refused the user name or password.*mqtt\.password/s);
    await expect(attempt).rejects.not.toThrow(/guess/);
  });

  test('that is not there yet does not stop the start, and is found when it comes', async () => {
    using folder = new Folder();
    const first = await startBroker(folder);
    const url = first.mqtt.url;
    await first[Symbol.asyncDispose]();
    await using hub = await startHouse({ mode: 'external', url });
    expect(hub.mqtt.connected).toBe(false);
    await using broker = await startBroker(folder, Number(new URL(url).port));
    const device = await broker.connect();
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set' });
    await vi.waitFor(() => expect(hub.registry.components.has('switch/a')).toBe(true), 10_000);
  });

  test('that goes and comes back: devices are gone and found, commands are refused meanwhile', async () => {
    using folder = new Folder();
    const registry = new RecordingRegistry();
    const broker = await startBroker(folder);
    const { url } = broker.mqtt;
    const config = { cmd_t: 'a/set', stat_t: 'a', avty_t: 'a/lwt' };
    await using hub = await startHouse({ mode: 'external', url, registry, availabilityGraceMs: 50 });
    {
      const device = await broker.connect();
      await announce(device, 'homeassistant/switch/a/config', config);
      await announce(device, 'homeassistant/switch/b/config', { cmd_t: 'b/set' });
      await announce(device, 'a/lwt', 'online');
      await vi.waitFor(() => expect(registry.available.get('switch/a')).toBe(true));
    }
    await broker[Symbol.asyncDispose]();
    await vi.waitFor(() => expect([...registry.available.values()]).toEqual([false, false]));
    const send = hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: true }], 'x');
    await expect(send).rejects.toMatchObject({ kind: 'unavailable' });
    expect(hub.mqtt.connected).toBe(false);
    await using again = await startBroker(folder, Number(new URL(url).port));
    await vi.waitFor(() => expect([...registry.available.values()]).toEqual([true, true]), 10_000);
    expect(registry.withdrawn).toEqual([]);
    const device = await connectDevice(again.mqtt.url);
    const heard = await listen(device, 'a/set');
    await device.publishAsync('a', 'ON', { qos: 1 });
    await vi.waitFor(() => expect(registry.values('switch/a')).toEqual({ on_off: true }));
    await hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: false }], 'x');
    await vi.waitFor(() => expect(heard).toEqual(['a/set OFF']));
    await device.endAsync(true);
  });

  test('a short absence is not noticed by anybody', async () => {
    using folder = new Folder();
    const registry = new RecordingRegistry();
    const broker = await startBroker(folder);
    const port = Number(new URL(broker.mqtt.url).port);
    await using hub = await startHouse({
      mode: 'external',
      url: broker.mqtt.url,
      registry,
      availabilityGraceMs: 8_000,
    });
    await announce(await broker.connect(), 'homeassistant/switch/b/config', { cmd_t: 'b/set' });
    await vi.waitFor(() => expect(registry.available.get('switch/b')).toBe(true));
    const told = vi.spyOn(registry, 'setAvailable');
    await broker[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(false));
    await using again = await startBroker(folder, port);
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(true), 8_000);
    expect(again.mqtt.connected).toBe(true);
    expect(told).not.toHaveBeenCalled();
  });

  test('a url that is none is refused, and stopping twice is quiet', async () => {
    await expect(startHouse({ mode: 'external', url: 'http://x' })).rejects.toThrow(/mqtt\.url/);
    await expect(startHouse({ mode: 'external', url: null })).rejects.toThrow(StartError);
    const hub = await startHouse({ mode: 'external', url: 'mqtt://127.0.0.1:1', password: PASSWORD });
    await hub.mqtt[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
  });
});

describe('the birth message', () => {
  test('is sent only when the hub is the one reader, and taken back at the end', async () => {
    await using house = await startHouse({ birth: true });
    await using quiet = await startHouse();
    const heard = await listen(await house.connect(), 'homeassistant/status');
    const silence = await listen(await quiet.connect(), 'homeassistant/status');
    await vi.waitFor(() => expect(heard).toEqual(['homeassistant/status online']), 5_000);
    await house.mqtt[Symbol.asyncDispose]();
    expect(silence).toEqual([]);
  });
});
