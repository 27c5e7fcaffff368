import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { readAccessoryOrder } from '../../src/cli/cli.ts';
import { CODE } from './accessory.ts';
import {
  announce,
  ask,
  call,
  closeHome,
  devices,
  entryOf,
  found,
  openHome,
  pair,
  run,
  servicesOf,
  startAccessory,
  until,
} from './import-home.ts';

beforeEach(openHome);
afterEach(closeHome);

describe('removal', () => {
  test('gives it free and ends the entities; paired again it has the same ids', async () => {
    await using light = await startAccessory('light');
    const [entityId = ''] = (await pair(light)).entity_ids;
    const [service] = await servicesOf(entityId);
    const path = `/api/homekit/accessories/${light.id}`;
    expect((await ask('DELETE', path)).status).toBe(204);
    for (const id of [entityId, service?.id]) {
      expect((await ask('GET', `/api/entities/${id}`)).status).not.toBe(200);
    }
    expect([...(await devices())]).toEqual([]);
    expect((await ask('DELETE', path)).status).toBe(404);
    expect(await call('POST', `${path}/pair`, { code: CODE })).toMatchObject({ entity_ids: [entityId] });
    expect(await servicesOf(entityId)).toMatchObject([{ id: service?.id }]);
    await until(entityId, { available: true, values: { brightness: { value: 40 } } });
  });

  test('on the command line; one that is not reached is forgotten with force only', async () => {
    await using light = await startAccessory('light');
    announce(light.found);
    await found(light.id);
    expect(await run()).toMatch(/light \w+ +lightbulb +Model +can be paired +CA:FE:/);
    await expect(run('pair', light.id, '11122333')).rejects.toThrow(/not its setup code/);
    expect(await run('pair', light.id, '031', '45', '154')).toMatch(
      /^light \w+ is paired: one accessory came with it/,
    );
    const { entity_ids: ids } = await entryOf(light.id);
    await light.kill();
    await expect(run('remove', light.id)).rejects.toThrow(/must be reset before/);
    expect((await ask('GET', `/api/entities/${ids[0]}`)).status).toBe(200);
    expect(await run('remove', light.id, '--force')).toMatch(/^Forgotten\..*reset it/);
    expect((await ask('GET', `/api/entities/${ids[0]}`)).status).not.toBe(200);
    expect(() => readAccessoryOrder(['dance'])).toThrow(/takes list, pair/);
    const { items } = await call<{ items: { action: string }[] }>('GET', '/api/audit');
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['accessory.pair', 'accessory.remove']),
    );
  });
});
