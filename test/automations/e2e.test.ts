import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { askForTask, CONTROL_SOCKET, readAutomationOrder, runAutomationCommand } from '../../src/cli/cli.ts';
import { remoteHome, runImport } from '../../src/ops/ops.ts';
import { exportedText, openOwnHome, testIo } from '../ops/support.ts';
import { openE2eHome, type E2eHome, type Json } from './e2e-home.ts';

let home: E2eHome;
beforeAll(async () => {
  home = await openE2eHome();
});
afterAll(async () => await home[Symbol.asyncDispose]());

const onMotion = (value = true): Json => ({
  trigger: { type: 'state', entity_id: home.eye, capability: 'motion', to: true },
  action: { type: 'command', entity_id: home.lamp, capability: 'on_off', value },
});
const statusOf = async (id: string): Promise<Json> => await home.call('GET', `/api/automations/${id}`);
const audit = async (action: string): Promise<Json[]> =>
  (await home.call('GET', `/api/audit?action=${action}`))['items'] as Json[];
/** So that it does nothing in the tests that follow. */
const quiet = async (id: string): Promise<void> => {
  await home.call('POST', `/api/automations/${id}/disable`);
};

test('motion switches a lamp, seen on MQTT, and the API tells why', async () => {
  const { device, orders, call } = home;
  const content = { name: 'Hall', ...onMotion() };
  expect(await call('POST', '/api/automations/check', { content })).toEqual({
    problems: [],
    next: [],
    when: ['motion of Eye becomes true'],
    only_if: [],
    does: ['sets on_off to true of Lamp'],
  });
  await call('POST', '/api/entities', { id: 'hall', entity_type: 'automation', content });
  expect(await call('GET', '/api/automations')).toMatchObject({ items: [{ id: 'hall', status: 'on' }] });
  await device.publishAsync('m', 'ON');
  await vi.waitFor(() => expect(orders).toEqual(['ON']));
  await vi.waitFor(async () =>
    expect(await call('GET', '/api/automations/hall/runs')).toMatchObject({
      items: [
        {
          outcome: 'done',
          why: { trigger: 'state', value: true, before: false },
          actions: [{ ok: true, result: 'sent' }],
        },
      ],
    }),
  );
  expect(await call('POST', '/api/automations/hall/disable')).toMatchObject({ status: 'off' });
  expect(await call('POST', '/api/automations/hall/run')).toMatchObject({
    outcome: 'done',
    why: { by: 'admin' },
  });
  expect(await call('POST', '/api/automations/hall/enable')).toMatchObject({ status: 'on', held: false });
  const etag = { 'if-match': '"of-another-version"' };
  await expect(call('POST', '/api/automations/hall/enable', undefined, etag)).rejects.toThrow(
    /^Error: 412|^412/,
  );
  for (const action of ['approve', 'disable', 'enable', 'run']) {
    expect(await audit(`automation.${action}`), action).toMatchObject([
      { action: `automation.${action}`, username: 'admin', target: 'hall', details: { name: 'Hall' } },
    ]);
  }
  await quiet('hall');
});

test('conditions keep it from running, by hand too, unless it is forced', async () => {
  const condition = { type: 'state', entity_id: home.lamp, capability: 'available', is: false };
  const content = { name: 'If', ...onMotion(false), condition };
  await home.call('POST', '/api/entities', { id: 'if', entity_type: 'automation', content });
  expect(await home.call('POST', '/api/automations/if/run')).toMatchObject({
    outcome: 'conditions',
    why: { conditions: ['available of Lamp is true: no'] },
  });
  expect(await home.call('POST', '/api/automations/if/run', { force: true })).toMatchObject({
    outcome: 'done',
  });
  await quiet('if');
});

/** Somebody moves, and the hub has seen it: both messages, however late they come. */
const move = async (): Promise<void> => {
  for (const motion of [false, true]) {
    await home.device.publishAsync('m', motion ? 'ON' : 'OFF');
    await vi.waitFor(async () => {
      const { values } = (await home.call('GET', `/api/entities/${home.eye}/state`)) as {
        values: { motion: { value: unknown } };
      };
      expect(values.motion.value).toBe(motion);
    });
  }
};

/** Each door that tells the automations nothing: how it makes one, and how it changes it. */
const DOORS: Readonly<Record<string, (id: string, content: Json, parents: string[]) => Promise<void>>> = {
  'sync of v1': async (id, content, parents) => {
    const { user_id: userId } = await home.call('GET', '/api/auth/me');
    const isNew = parents.length === 0;
    await home.call('POST', '/api/sync/inbetweenies', {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'phone',
      user_id: userId,
      vector_clock: {},
      changes: [
        {
          change_type: isNew ? 'create' : 'update',
          entity_id: id,
          entity_version: `2026-01-0${isNew ? 1 : 2}T00:00:00.000000+00:00-phone`,
          entity_type: 'automation',
          content,
          timestamp: '2026-01-01T00:00:00Z',
          parent_versions: parents,
        },
      ],
    });
  },
  'sync of v2': async (id, content, parents) => {
    await home.callV2('/sync/', {
      protocol_version: 'inbetweenies-v2',
      device_id: 'kittenkong-1',
      user_id: 'system',
      sync_type: 'delta',
      vector_clock: { clocks: {} },
      changes: [
        {
          change_type: parents.length === 0 ? 'create' : 'update',
          entity: {
            id,
            version: `v-${parents.length}`,
            entity_type: 'AUTOMATION',
            name: content['name'],
            content,
            source_type: 'MANUAL',
            user_id: 'system',
            parent_versions: parents,
          },
          relationships: [],
        },
      ],
    });
  },
  'the tools': async (id, content, parents) => {
    if (parents.length === 0) {
      await home.callV2('/mcp/tools/create_entity', {
        arguments: { entity_type: 'automation', name: content['name'], content },
      });
    } else {
      await home.callV2('/mcp/tools/update_entity', { arguments: { entity_id: id, changes: { content } } });
    }
  },
  'an import': async (id, content) => {
    await using other = await openOwnHome();
    other.graph.transaction((writer) =>
      writer.createEntity({
        id,
        entityType: 'automation',
        content,
        author: { userId: 'somebody', deviceId: 'phone' },
        sourceType: 'manual',
      }),
    );
    await other.graph.settled();
    const file = join(home.folder, `${id}.ndjson`);
    writeFileSync(file, await exportedText(other.graph));
    const socket = join(home.folder, CONTROL_SOCKET);
    const here = remoteHome(
      async (command, args, streams) => await askForTask(socket, command, args, streams),
    );
    await runImport(here, { file, dryRun: false, json: true }, testIo(home.folder).io);
  },
};

test.each(Object.keys(DOORS))(
  'what comes by %s is held until somebody enables it, and a change is, too',
  async (door) => {
    const bring = DOORS[door] ?? expect.fail('no door');
    const name = `By ${door}`;
    const wanted = `by-${door.replaceAll(' ', '-')}`;
    await bring(wanted, { name, ...onMotion() }, []);
    const found = await vi.waitFor(async () => {
      const { items } = (await home.call('GET', '/api/automations')) as {
        items: { id: string; name: string }[];
      };
      return items.find((item) => item.name === name) ?? expect.fail('it is not there yet');
    });
    const { id } = found;
    expect(found).toMatchObject({ status: 'held', enabled: true, approved_by: null });
    const before = home.orders.length;
    await move();
    expect(await home.call('GET', `/api/automations/${id}/runs`)).toMatchObject({ items: [] });
    expect(home.orders).toHaveLength(before);
    expect(await home.call('POST', `/api/automations/${id}/enable`)).toMatchObject({ status: 'on' });
    await move();
    await vi.waitFor(() => expect(home.orders).toHaveLength(before + 1));
    // An import takes no id twice, so there is nothing that it could change.
    if (door !== 'an import') {
      const { version } = await home.call('GET', `/api/entities/${id}`);
      await bring(id, { name, ...onMotion(false) }, [String(version)]);
      await vi.waitFor(async () => expect(await statusOf(id)).toMatchObject({ status: 'held' }));
      await move();
      expect((await home.call('GET', `/api/automations/${id}/runs`))['items']).toHaveLength(1);
      expect(home.orders).toHaveLength(before + 1);
    }
    await quiet(id);
  },
);

test('the command line lists, shows, decides, runs, tells and checks, and the audit log says that it did', async () => {
  const run = async (...words: string[]): Promise<{ text: string; ok: boolean }> =>
    await runAutomationCommand(
      readAutomationOrder(words),
      home.folder,
      new AbortController().signal,
      async () =>
        await Promise.resolve(JSON.stringify({ cron: '30 7 * * 1-5', actions: [onMotion()['action']] })),
    );
  await home.call('POST', '/api/entities', {
    id: 'cli',
    entity_type: 'automation',
    content: { name: 'Typed', ...onMotion(), condition: { type: 'time', days: ['mon'], after: '07:00' } },
  });
  expect((await run()).text).toMatch(/^ID .*NAME .*STATUS .*\n(.*\n)*cli +Typed +on +never/);
  const shown = await run('show', 'typed');
  expect(shown.text).toContain('When: motion of Eye becomes true');
  expect(shown.text).toContain('If:   from 07:00 on mon');
  expect(shown.text).toContain('Does: sets on_off to true of Lamp');
  expect((await run('disable', 'cli')).text).toBe('Typed: switched off.');
  await expect(run('approve', 'cli')).rejects.toThrow(/switched off: enable it/);
  expect((await run('enable', 'cli')).text).toBe('Typed: on.');
  expect((await run('approve', 'cli')).text).toBe('Typed: on.');
  const forced = await run('run', 'cli', '--force');
  expect(forced).toMatchObject({
    ok: true,
    text: expect.stringMatching(/^It was run: done\.\n +by terminal/),
  });
  expect((await run('history', 'cli')).text).toMatch(/Typed {2}done {2}\(by hand\)/);
  const history = JSON.parse((await run('history', '--limit', '5', '--json')).text) as unknown[];
  expect(history).toHaveLength(5);
  const checked = await run('check', 'x.json');
  expect(checked.ok).toBe(true);
  expect(checked.text).toMatch(/When: cron 30 7 \* \* 1-5[^]*Next: \d{4}-/);
  expect(JSON.parse((await run('show', 'cli', '--json')).text)).toMatchObject({
    id: 'cli',
    approved_by: 'terminal',
    runs: [{ outcome: 'done' }],
  });
  await expect(run('show', 'nothing')).rejects.toThrow(/There is no automation "nothing"/);
  for (const words of [
    ['show'],
    ['run'],
    ['list', 'x'],
    ['enable', 'x', '--force'],
    ['history', '--limit', '0'],
  ]) {
    expect(() => readAutomationOrder(words), words.join(' ')).toThrow(/takes/);
  }
  for (const action of ['enable', 'disable', 'approve', 'run']) {
    expect((await audit(`automation.${action}`))[0], action).toMatchObject({
      username: 'terminal',
      address: 'terminal',
      target: 'cli',
    });
  }
  await quiet('cli');
});
