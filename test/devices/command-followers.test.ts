import { afterEach, beforeEach, expect, test } from 'vitest';

import type { CapabilityDescription, ToldCommand } from '../../src/devices/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;
let told: string[];
let following: Disposable;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
  told = [];
  following = home.devices.followCommands((command, stage) => told.push(`${stage} ${wordOf(command)}`));
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function wordOf({ capability, value, origin, by }: ToldCommand): string {
  return `${capability}=${JSON.stringify(value)} ${origin} ${by ? `${by.kind} ${by.userId}` : 'nobody'}`;
}

function add(
  ...components: { readonly id: string; readonly capabilities: readonly CapabilityDescription[] }[]
): string {
  for (const { id, capabilities } of components) {
    home.devices.describe({
      id,
      type: id.split('/', 1)[0] ?? '',
      device: {
        identifiers: ['id:one'],
        name: 'One',
        manufacturer: null,
        model: null,
        swVersion: null,
        hwVersion: null,
        serialNumber: null,
        suggestedArea: null,
      },
      label: null,
      deviceClass: null,
      category: null,
      capabilities,
      unsupported: null,
      enabledByDefault: true,
    });
    home.devices.setAvailable(id, true);
  }
  return home.devices.list()[0]?.entityId ?? '';
}

const plain = { unit: null, range: null, writable: true } as const;
const ANNA = { kind: 'person', userId: 'anna' } as const;

test('a command is told before it is sent and after, with whose it is', async () => {
  const entityId = add({ id: 'light/x', capabilities: [{ kind: 'on_off', ...plain }] });
  let before: string[] = [];
  home.devices.connect({
    send: async () => {
      before = [...told];
      await Promise.resolve();
    },
  });
  const writes = [{ capability: 'on_off', value: true }];
  await home.devices.command({ entityId, writes, origin: 'http:1', by: ANNA, confirmWithinMs: 0 });
  expect(before).toEqual(['sending on_off=true http:1 person anna']);
  expect(told).toEqual(['sending on_off=true http:1 person anna', 'sent on_off=true http:1 person anna']);
  following[Symbol.dispose]();
  await home.devices.command({ entityId, writes, origin: 'http:2', confirmWithinMs: 0 });
  expect(told).toHaveLength(2);
});

test('codes, free texts and bare numbers of a lock are told to nobody', async () => {
  const entityId = add(
    {
      id: 'lock/x',
      capabilities: [{ kind: 'locked', ...plain, commands: ['lock', 'unlock'], needsCode: true }],
    },
    { id: 'text/x', capabilities: [{ kind: 'text', ...plain }] },
    { id: 'number/x', capabilities: [{ kind: 'number', ...plain }] },
  );
  home.devices.connect({ send: async () => await Promise.resolve() });
  const writes = [
    { capability: 'locked', value: { command: 'unlock', code: '4711' } },
    { capability: 'text', value: '4711' },
    { capability: 'number', value: 4711 },
  ];
  await home.devices.command({ entityId, writes, origin: 'ws:1', confirmWithinMs: 0 });
  expect(told.filter((line) => line.startsWith('sent')).toSorted()).toEqual([
    'sent locked="unlock" ws:1 nobody',
    'sent number=null ws:1 nobody',
    'sent text=null ws:1 nobody',
  ]);
  expect(told.join()).not.toContain('4711');
});

test('what does not leave is told of as failed, what left before it as sent, and what is refused not at all', async () => {
  const entityId = add(
    { id: 'light/x', capabilities: [{ kind: 'on_off', ...plain }] },
    { id: 'select/y', capabilities: [{ kind: 'select', ...plain, options: ['a', 'b'] }] },
  );
  home.devices.connect({
    send: async (id) => {
      if (id === 'select/y') throw new HubError('unavailable', 'gone');
      await Promise.resolve();
    },
  });
  const order = { entityId, origin: 'http:1', confirmWithinMs: 0 };
  const both = [
    { capability: 'select', value: 'a' },
    { capability: 'on_off', value: false },
  ];
  await expect(home.devices.command({ ...order, writes: both })).rejects.toThrow('gone');
  expect(told).toEqual([
    'sending on_off=false http:1 nobody',
    'sent on_off=false http:1 nobody',
    'sending select="a" http:1 nobody',
    'failed select="a" http:1 nobody',
  ]);
  await expect(
    home.devices.command({ ...order, writes: [{ capability: 'select', value: 'c' }] }),
  ).rejects.toThrow();
  expect(told).toHaveLength(4);
});
