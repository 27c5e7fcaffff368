import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test, vi } from 'vitest';

import { announce, startHouse } from '../harness.ts';
import { COORDINATOR, expose, toDevice } from './zigbee2mqtt-bench.ts';

test('a list of many devices leaves the event loop time for others', async () => {
  await using house = await startHouse();
  const describeAtOnce = house.registry.describe.bind(house.registry);
  // As long as a write to the graph takes.
  house.registry.describe = (component, replaces) => {
    const untilMs = performance.now() + 2;
    while (performance.now() < untilMs);
    describeAtOnce(component, replaces);
  };
  const bridge = await house.connect();
  const exposes = ['power', 'energy', 'voltage', 'current'].map((name) => expose('numeric', name, 1));
  const devices = Array.from({ length: 100 }, (_, n) =>
    toDevice(exposes, { ieee_address: `0x${String(n).padStart(16, '0')}`, friendly_name: `plug ${n}` }),
  );
  using delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  await announce(bridge, 'zigbee2mqtt/bridge/devices', [COORDINATOR, ...devices]);
  await vi.waitFor(() => expect(house.registry.components.size).toBe(400), 10_000);
  // All at once they would take 800 ms.
  expect(delay.max / 1e6).toBeLessThan(400);
});
