import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startTestApi, type TestApi } from './support.ts';
import { logIn, logInAsGuest, type V2Client } from './v2-client.ts';

let api: TestApi;
let client: V2Client;
beforeEach(async () => {
  api = await startTestApi();
  client = await logIn(api);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

describe('the tools', () => {
  test('are listed as oook reads them', async () => {
    const { status, body } = await client.call('GET', '/mcp/tools');
    expect(status).toBe(200);
    const tools = body['tools'] as Record<string, unknown>[];
    expect(body['count']).toBe(tools.length);
    expect(tools.length).toBeGreaterThanOrEqual(12);
    for (const tool of tools) {
      expect(Object.keys(tool)).toEqual(['name', 'description', 'parameters']);
      expect(tool['parameters']).toMatchObject({ type: 'object', properties: expect.any(Object) as object });
      expect((await client.call('GET', `/mcp/tools/${String(tool['name'])}`)).body).toEqual(tool);
    }
    expect(await client.call('GET', '/mcp/tools/make_coffee')).toMatchObject({
      status: 404,
      body: { detail: "Tool 'make_coffee' not found" },
    });
  });

  test('are called by name, and what they make is there at once and for good', async () => {
    const made = await client.call('POST', '/mcp/tools/create_entity', {
      arguments: { entity_type: 'room', name: 'Hall', content: {}, user_id: 'assistant' },
    });
    expect(made).toMatchObject({ status: 200, body: { success: true, result: { created: true } } });
    const { entity } = made.body['result'] as { entity: { id: string; user_id: string } };
    const me = await client.call('GET', '/auth/me');
    expect(entity.user_id).toBe(me.body['user_id']);
    expect((await client.call('GET', `/graph/entities/${entity.id}`)).body['entity']).toEqual(entity);
    const found = await client.call('POST', '/mcp/tools/search_entities', { arguments: { query: 'hall' } });
    expect(found.body['result']).toMatchObject({ results: [{ id: entity.id }], count: 1 });

    const updated = await client.call('POST', '/mcp/tools/update_entity', {
      arguments: { entity_id: entity.id, changes: { content: { m2: 9 } }, user_id: 'assistant' },
    });
    const { new_version: version } = updated.body['result'] as { new_version: string };
    // One current row for one id, whoever asks.
    const current = await client.call('GET', `/graph/entities/${entity.id}`);
    expect(current.body['entity']).toMatchObject({ version, content: { name: 'Hall', m2: 9 } });
    expect((await client.call('GET', '/graph/entities')).body['total']).toBe(1);
  });

  test('refuse with 400 and a sentence', async () => {
    for (const [name, args, detail] of [
      ['get_devices_in_room', { room_id: 'attic' }, 'Room attic not found'],
      ['get_devices_in_room', {}, 'get_devices_in_room needs room_id'],
      ['create_entity', { entity_type: 'xxx', name: 'x' }, "'xxx' is not a valid EntityType"],
      ['make_coffee', {}, 'Unknown tool: make_coffee'],
    ] as const) {
      const answer = await client.call('POST', `/mcp/tools/${name}`, { arguments: args });
      expect([name, answer.status, answer.body['detail']]).toEqual([
        name,
        400,
        expect.stringContaining(detail) as string,
      ]);
    }
  });

  test.each([{}, { arguments: 7 }, { arguments: [] }, [], null])(
    'want arguments: %j is no call',
    async (body) => {
      const answer = await client.call('POST', '/mcp/tools/get_statistics', body);
      expect([answer.status, typeof answer.body['detail']]).toEqual([422, 'string']);
    },
  );

  test('let guests ask and not change', async () => {
    const guest = await logInAsGuest(api, client);
    expect((await guest.call('GET', '/mcp/tools')).status).toBe(200);
    expect((await guest.call('POST', '/mcp/tools/get_statistics', { arguments: {} })).status).toBe(200);
    const { body } = await client.call('GET', '/mcp/tools');
    for (const { name } of body['tools'] as { name: string }[]) {
      const answer = await guest.call('POST', `/mcp/tools/${name}`, { arguments: { entity_id: 'x' } });
      const mutates = /^(create|update|end|tombstone)_/.test(name);
      expect([name, answer.status === 403]).toEqual([name, mutates]);
      if (mutates) expect(answer.body['detail']).toContain('may not change the home');
    }
    expect(api.graph.headSeq).toBe(0);
  });

  test('are for those who are logged in', async () => {
    expect((await fetch(`${api.url}/api/v1/mcp/tools`)).status).toBe(401);
  });
});
