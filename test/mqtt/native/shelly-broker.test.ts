import { expect, test, vi } from 'vitest';

import { startHouse } from '../harness.ts';
import { KEY, PREFIX, resultOf, type Request } from './shelly-harness.ts';

/** Over a real connection: what the fake hub of the other tests can't show is that the subscriptions come in time. */
test.each([{ status_ntf: true }, { status_ntf: false }])('a device and its first state: %j', async (mqtt) => {
  const answers = { id: PREFIX, mqtt, status: { 'switch:0': { id: 0, output: true, apower: 12 } } };
  await using house = await startHouse();
  const device = await house.connect();
  const commands: Request[] = [];
  device.on('message', (topic, payload) => {
    if (topic === `${PREFIX}/command`) {
      for (const [component, status] of Object.entries(answers.status))
        device.publish(`${PREFIX}/status/${component}`, JSON.stringify(status));
      return;
    }
    const request = JSON.parse(payload.toString()) as Request;
    const result = resultOf(request.method, answers);
    if (result) {
      const { id, src } = request;
      device.publish(`${src}/rpc`, JSON.stringify({ id, src: PREFIX, dst: src, result }));
    } else commands.push(request);
  });
  await device.subscribeAsync([`${PREFIX}/rpc`, `${PREFIX}/command`]);
  await device.publishAsync(`${PREFIX}/online`, 'true', { retain: true });

  const id = `switch/shelly_${KEY}/switch_0`;
  await vi.waitFor(() => expect(house.registry.value(id, 'on_off')).toBe(true), 5_000);
  expect(house.registry.value(`sensor/shelly_${KEY}/switch_0_apower`, 'power')).toBe(12);
  expect(house.registry.available.get(id)).toBe(true);

  await house.mqtt.sink.send(id, [{ kind: 'on_off', value: false }], 'test');
  await vi.waitFor(() =>
    expect(commands).toMatchObject([{ method: 'Switch.Set', params: { id: 0, on: false } }]),
  );
});
