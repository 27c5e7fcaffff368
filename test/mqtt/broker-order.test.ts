import type { MqttClient } from 'mqtt';

import { describe, expect, test, vi } from 'vitest';

import { announce, listen, startHouse } from './harness.ts';

describe('an answer on the turn of the message', () => {
  test.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const)(
    'a state with QoS %i, the command with QoS %i: who hears both hears both',
    async (stateQos, qos) => {
      await using house = await startHouse();
      const device: MqttClient = await house.connect();
      const heard = await listen(device, 'z/#');
      const config = { name: 'x', cmd_t: 'z/set', stat_t: 'z/state', qos, dev: { ids: ['a'] } };
      await announce(device, 'homeassistant/switch/a/b/config', config);
      await vi.waitFor(() => expect(house.registry.components.has('switch/a/b')).toBe(true));
      const { registry, mqtt } = house;
      const keep = registry.report.bind(registry);
      const sent: Promise<void>[] = [];
      registry.report = (reports) => {
        keep(reports);
        sent.push(mqtt.sink.send('switch/a/b', [{ kind: 'on_off', value: false }], 'test'));
      };
      for (let round = 1; round <= 3; round += 1) {
        await device.publishAsync('z/state', 'ON', { qos: stateQos });
        await vi.waitFor(() => expect(heard.filter((line) => line === 'z/set OFF')).toHaveLength(round));
      }
      await Promise.all(sent);
      await vi.waitFor(() => expect(heard.filter((line) => line === 'z/state ON')).toHaveLength(3));
    },
  );
});
