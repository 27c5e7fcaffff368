import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

import type { HomeClient, ClientOptions } from '../../src/client/client.ts';
import { compareBytes, graphDigest } from '../../src/client/digest.ts';
import { environmentWith, newId } from '../../src/client/environment.ts';
import { nextVersion } from '../../src/client/versions.ts';
import { temporaryFolder } from '../support/store.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CLIENT = join(ROOT, 'src/client');

/** Checks files with the compiler; returns what it has to say. */
async function check(args: readonly string[]): Promise<string> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, ...args], { cwd: ROOT });
    return stdout;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

/** They are the file store. */
const OF_NODE = ['file-store.ts', 'lock-file.ts'];

test('the library imports itself, and Node only in the file store', () => {
  for (const name of readdirSync(CLIENT).filter((file) => file.endsWith('.ts'))) {
    const source = readFileSync(join(CLIENT, name), 'utf8');
    const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => String(match[1]));
    const outside = imports.filter(
      (specifier) => !/^(?:\.\/[a-z-]+\.ts|@noble\/hashes\/.+)$/.test(specifier),
    );
    expect([
      name,
      outside.every((specifier) => OF_NODE.includes(name) && specifier.startsWith('node:')),
    ]).toEqual([name, true]);
    if (!OF_NODE.includes(name)) expect(source).not.toMatch(/\b(?:process|Buffer|require|__dirname)\b[.(]/);
  }
});

test('the core knows no Node types', async () => {
  const said = await check([
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--allowImportingTsExtensions',
    '--types',
    '',
    '--lib',
    'es2023,dom',
    '--target',
    'es2023',
    '--module',
    'preserve',
    '--moduleResolution',
    'bundler',
    join(CLIENT, 'client.ts'),
  ]);
  expect(said).toBe('');
}, 60_000);

test('bundled for a browser it runs without anything of Node', async () => {
  using folder = temporaryFolder();
  await using build = await rolldown({
    input: join(CLIENT, 'client.ts'),
    cwd: ROOT,
    platform: 'browser',
    logLevel: 'warn',
  });
  const { output } = await build.write({ dir: folder.path, format: 'esm' });
  const [chunk] = output;
  expect(chunk.imports).toEqual([]);
  expect(chunk.code).not.toContain('node:');
  const bundled = (await import(join(folder.path, chunk.fileName))) as {
    HomeClient: typeof HomeClient;
    MemoryStore: new () => ClientOptions['store'];
  };
  const client = await bundled.HomeClient.open({
    hubUrl: 'http://hub.test',
    store: new bundled.MemoryStore(),
    tokens: async () => ({ value: 'token' }),
  });
  const note = await client.home.createEntity({ entityType: 'note', content: { text: 'hello' } });
  expect(await client.home.entity(note.id)).toEqual(note);
  await client.close();
});

test('the published declarations stand on their own', async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, 'types');
  expect(await check(['--project', join(CLIENT, 'tsconfig.declarations.json'), '--outDir', out])).toBe('');
  const said = await check([
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--types',
    '',
    '--lib',
    'es2022,dom',
    '--target',
    'es2022',
    '--module',
    'preserve',
    '--moduleResolution',
    'bundler',
    join(out, 'client.d.ts'),
    join(out, 'file-store.d.ts'),
  ]);
  expect(said).toBe('');
}, 60_000);

test('the digest is the one of the protocol, sorted by bytes', () => {
  const rows = [
    { id: 'b', version: '2' },
    { id: 'a', version: '1' },
    { id: 'B', version: '3' },
  ];
  const text = 'B\u001f3\u001ea\u001f1\u001eb\u001f2\u001e';
  expect(graphDigest(rows)).toBe(createHash('sha256').update(text).digest('hex'));
  expect(graphDigest([])).toBe(createHash('sha256').update('').digest('hex'));
  const words = ['', 'a', 'ab', 'b', 'é', '\uffff', '😀', '😀a', '\ue000'];
  for (const a of words) {
    for (const b of words) {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareBytes(a, b))).toBe(expected);
    }
  }
});

test('ids are UUIDs that sort by time', () => {
  const at = (ms: number): string => newId(environmentWith({ nowMs: () => ms }));
  const ids = [at(1), at(256), at(Date.UTC(2026, 0, 1)), at(Date.UTC(2090, 0, 1))];
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(Array.from({ length: 1000 }, () => at(5))).size).toBe(1000);
});

test('versions never repeat and sort after their parents, whatever the clock does', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  let mark = { micros: 0, counter: 0 };
  const made: string[] = [];
  const make = (ms: number, parents: string[] = []): string => {
    const next = nextVersion(mark, { nowMs: ms, author: 'phone', parents });
    ({ mark } = next);
    made.push(next.version);
    return next.version;
  };
  expect(make(nowMs)).toBe('2026-01-01T00:00:00.000000+00:00-000000-phone');
  expect(make(nowMs)).toBe('2026-01-01T00:00:00.000000+00:00-000001-phone');
  expect(make(nowMs - 60_000)).toBe('2026-01-01T00:00:00.000000+00:00-000002-phone');
  expect(make(nowMs, ['2026-01-01T00:00:05.000007+00:00-000000-hub'])).toBe(
    '2026-01-01T00:00:05.000008+00:00-000000-phone',
  );
  // A phone in another century is not followed.
  expect(make(nowMs + 6000, ['2099-01-01T00:00:00.000000+00:00-000000-x'])).toBe(
    '2026-01-01T00:00:06.000000+00:00-000000-phone',
  );
  mark = { ...mark, counter: 999_999 };
  expect(make(nowMs + 6000)).toBe('2026-01-01T00:00:06.000001+00:00-000000-phone');
  expect(made.toSorted()).toEqual(made);
});
