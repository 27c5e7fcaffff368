import { expect, test, vi } from 'vitest';

import { announce, listen, startHouse } from '../harness.ts';
import { BARE, MAC } from './tasmota-bench.ts';
import { COORDINATOR, expose, IEEE, STATE, toDevice } from './zigbee2mqtt-bench.ts';

test('Tasmota: described, asked for its state, heard on all its topics, by way of a real broker', async () => {
  await using house = await startHouse();
  const device = await house.connect();
  const asked = await listen(device, 'cmnd/bench/#');
  await announce(device, 'tele/bench/LWT', 'Online');
  await announce(device, `tasmota/discovery/${MAC}/config`, { ...BARE, rl: [1] });
  await announce(device, `tasmota/discovery/${MAC}/sensors`, { sn: { ENERGY: { Power: 3 } }, ver: 1 });
  const relay = `switch/tasmota_${MAC}/relay_1`;
  const power = `sensor/tasmota_${MAC}/ENERGY_Power`;
  await vi.waitFor(() => {
    expect(house.registry.available.get(relay)).toBe(true);
    expect(asked).toContain('cmnd/bench/STATUS 10');
    expect(asked).toContain('cmnd/bench/STATE ');
  });
  await device.publishAsync('stat/bench/RESULT', '{"POWER":"ON"}');
  await device.publishAsync('stat/bench/STATUS10', '{"StatusSNS":{"ENERGY":{"Power":76.2}}}');
  await vi.waitFor(() => {
    expect(house.registry.value(relay, 'on_off')).toBe(true);
    expect(house.registry.value(power, 'power')).toBe(76.2);
  });
  await device.publishAsync('tele/bench/STATE', '{"POWER":"OFF"}');
  await vi.waitFor(() => expect(house.registry.value(relay, 'on_off')).toBe(false));
  await announce(device, `tasmota/discovery/${MAC}/config`, '');
  await announce(device, `tasmota/discovery/${MAC}/sensors`, '');
  await vi.waitFor(() => expect(house.registry.withdrawn).toContain(relay));
});

test('Zigbee2MQTT: a list, a renamed device and an event, by way of a real broker', async () => {
  await using house = await startHouse();
  const bridge = await house.connect();
  const exposes = [
    { type: 'switch', features: [STATE] },
    expose('enum', 'action', 1, { values: ['single'] }),
  ];
  await announce(bridge, 'z2m/bridge/state', { state: 'online' });
  await announce(bridge, 'z2m/bridge/info', { version: '2.12.1', config: {} });
  await announce(bridge, 'z2m/bridge/devices', [COORDINATOR, toDevice(exposes)]);
  const id = `switch/zigbee2mqtt_${IEEE}/switch`;
  await vi.waitFor(() => expect(house.registry.available.get(id)).toBe(true));
  await announce(bridge, 'z2m/bridge/devices', [COORDINATOR, toDevice(exposes, { friendly_name: 'plug' })]);
  await vi.waitFor(async () => {
    await bridge.publishAsync('z2m/plug', '{"state":"ON","action":"single"}');
    expect(house.registry.value(id, 'on_off')).toBe(true);
  });
  expect(house.registry.value(`event/zigbee2mqtt_${IEEE}/action`, 'button_event')).toBe('single');
});
