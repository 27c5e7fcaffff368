import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { temporaryFolder } from '../support/store.ts';
import { clientOf, eventually, PASSWORD, startHubFor } from './support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOADER = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
const folder = temporaryFolder();
let hub: Hub;

beforeAll(async () => {
  hub = await startHubFor(folder.path);
});

afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test('the tutorial is a program: it has the right types, and says what it should', async () => {
  await using setUp = await clientOf(hub.ready.http_url);
  await setUp.home.createEntity({ entityType: 'room', content: { name: 'Hall' } });
  await setUp.sync();

  const tutorial = readFileSync(join(ROOT, 'src/client/README.md'), 'utf8');
  const snippets = [...tutorial.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => String(match[1]));
  expect(snippets.length).toBeGreaterThan(8);
  const replacements: [string, string][] = [
    ["'funkygibbon/client'", `'${ROOT}src/client/client.ts'`],
    ["'funkygibbon/client/file-store'", `'${ROOT}src/client/file-store.ts'`],
    ['http://192.168.1.10:8000', hub.ready.http_url],
    ["'anna'", "'admin'"],
    ["'at least 8 characters'", `'${PASSWORD}'`],
    ["'my-home.replica'", `'${join(folder.path, 'my-home.replica')}'`],
  ];
  let program = snippets.join('\n');
  for (const [written, meant] of replacements) {
    expect(program).toContain(written);
    program = program.replaceAll(written, meant);
  }
  const file = join(folder.path, 'tutorial.mts');
  writeFileSync(file, program);
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const flags = '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess';
  const options =
    '--allowImportingTsExtensions --target es2025 --module nodenext --types node --skipLibCheck --typeRoots';
  await promisify(execFile)(process.execPath, [
    compiler,
    ...`${flags} ${options}`.split(' '),
    join(ROOT, 'node_modules/@types'),
    file,
  ]);

  const { stdout } = await promisify(execFile)(process.execPath, ['--import', LOADER, file], { cwd: ROOT });
  const said = stdout.split('\n');
  expect(said).toEqual(expect.arrayContaining(['pulled true match', 'room Hall', 'waiting 4']));
  expect(said).toEqual(
    expect.arrayContaining(['applied 4 reports 0', 'changed New kettle', 'devices object']),
  );
  expect(said.find((line) => line.startsWith('rejected '))).toContain('name');
  expect(said.filter((line) => line.startsWith('error'))).toEqual([]);
}, 60_000);

test('the phone on the terminal shows the home and what changes in it', async () => {
  await using client = await clientOf(hub.ready.http_url);
  const lamp = await client.home.createEntity({ entityType: 'device', content: { name: 'Lamp' } });
  const attic = await client.home.createEntity({ entityType: 'room', content: { name: 'Attic' } });
  const place = await client.home.createRelationship({
    fromEntityId: lamp.id,
    toEntityId: attic.id,
    relationshipType: 'located_in',
  });
  await client.sync();
  const passwordFile = join(folder.path, 'password.txt');
  writeFileSync(passwordFile, PASSWORD);
  const phone = spawn(
    process.execPath,
    [
      '--import',
      LOADER,
      join(ROOT, 'scripts/demo/phone.ts'),
      '--hub',
      hub.ready.http_url,
      '--password-file',
      passwordFile,
      '--store',
      join(folder.path, 'phone.replica'),
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let shown = '';
  phone.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  try {
    await eventually(() => expect(shown).toMatch(/ live\n/));
    expect(shown).toContain('Attic\n  Lamp (device)\n');
    await client.home.updateEntity(lamp.id, { name: 'Ceiling lamp' });
    await client.home.endRelationship(place.id);
    await client.home.deleteEntity(attic.id);
    await client.sync();
    await eventually(() => expect(shown).toContain('- room Attic\n'));
    expect(shown).toContain('~ device Ceiling lamp: name "Lamp" > "Ceiling lamp"\n');
    expect(shown).toContain('- Ceiling lamp located_in Attic\n');
    expect(shown).not.toMatch(/ (?:polling|syncing)\n/);
  } finally {
    const ended = once(phone, 'exit');
    phone.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }
}, 60_000);
