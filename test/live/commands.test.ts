import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HubError } from '../../src/base/errors.ts';

import { temporaryFolder } from '../support/store.ts';
import { Client, openLiveHome, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('commands', () => {
  test('a command is passed on with its origin and answered with its status', async () => {
    const client = await Client.connect(hub.port);
    const { connection_id: connectionId } = await client.next('connected');
    client.send({ type: 'command', request_id: 'r1', entity_id: 'lamp', capability: 'on_off', value: true });
    expect(await client.next('command_result')).toEqual({
      type: 'command_result',
      request_id: 'r1',
      status: 'confirmed',
    });
    expect(hub.devices.commands).toMatchObject([
      {
        entityId: 'lamp',
        writes: [{ capability: 'on_off', value: true }],
        origin: `ws:${String(connectionId)}`,
      },
    ]);
  });

  test('what the device rules refuse is answered with code and message', async () => {
    const client = await Client.connect(hub.port);
    hub.devices.answer = async () =>
      await Promise.reject(new HubError('invalid', 'brightness must be 1 to 100', { field: 'value' }));
    client.send({ type: 'command', request_id: 1, entity_id: 'lamp', capability: 'brightness', value: 400 });
    expect(await client.next('command_result')).toEqual({
      type: 'command_result',
      request_id: 1,
      error: { code: 'VALIDATION_ERROR', message: 'brightness must be 1 to 100' },
    });
    hub.devices.answer = async () => await Promise.reject(new Error('secret detail'));
    client.send({ type: 'command', request_id: 2, entity_id: 'lamp', capability: 'brightness', value: 4 });
    const result = await client.next('command_result', ({ request_id }) => request_id === 2);
    expect(result['error']).toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  test('what the policy refuses for this device is not sent, and who commands is told to it', async () => {
    await hub[Symbol.asyncDispose]();
    const asked: unknown[] = [];
    hub = await openLiveHome(folder.path, {
      authorizeCommand: ({ principal, address }, order) => {
        asked.push([principal.userId, address, order.entityId, order.kinds]);
        throw new HubError('forbidden', 'this user may not command: lock');
      },
    });
    const client = await Client.connect(hub.port);
    client.send({ type: 'command', request_id: 1, entity_id: 'door', capability: 'locked', value: false });
    expect((await client.next('command_result'))['error']).toEqual({
      code: 'FORBIDDEN',
      message: 'this user may not command: lock',
    });
    expect(hub.devices.commands).toEqual([]);
    expect(asked).toEqual([['anna', '127.0.0.1', 'door', []]]);
  });

  test('a guest may look and not switch', async () => {
    const guest = await Client.connect(hub.port, 'gast');
    await guest.subscribe({ entity_id: '*' });
    hub.devices.report('lamp', 'on_off', true);
    await guest.next('state_change');
    guest.send({ type: 'command', request_id: 'r1', entity_id: 'lamp', capability: 'on_off', value: true });
    expect(await guest.next('command_result')).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(hub.devices.commands).toEqual([]);
  });

  test('a flood of commands without results is refused beyond 32', async () => {
    const client = await Client.connect(hub.port);
    const go = Promise.withResolvers<'sent'>();
    hub.devices.answer = async () => await go.promise;
    for (let index = 0; index < 40; index++) {
      client.send({
        type: 'command',
        request_id: index,
        entity_id: 'lamp',
        capability: 'on_off',
        value: true,
      });
    }
    await client.settle();
    expect(client.of('command_result')).toHaveLength(8);
    go.resolve('sent');
    await vi.waitFor(() => expect(client.of('command_result')).toHaveLength(40));
    client.socket.terminate();
  });
});
