import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { finishRestore, STAGED, swapIn } from '../../../src/ops/backup/restore-swap.ts';
import { temporaryFolder } from '../../support/store.ts';

const OLD = ['funkygibbon.db', 'funkygibbon.db-wal', 'mqtt-credentials.json', 'tls-key.pem'];
const NEW = ['funkygibbon.db', 'hub.yaml', 'mqtt-credentials.json'];
const KEEP = 'before-restore-20260101T000000Z';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(at(STAGED));
  mkdirSync(at('backups'));
  writeFileSync(at('backups', 'one.tar.gz'), 'old');
  writeFileSync(at('hub.lock'), '');
  for (const name of OLD) writeFileSync(at(name), 'old');
  for (const name of NEW) writeFileSync(at(STAGED, name), 'new');
});
afterEach(() => folder[Symbol.dispose]());

function at(...names: string[]): string {
  return join(folder.path, ...names);
}

function expectRestored(): void {
  expect(readdirSync(folder.path).toSorted()).toEqual(
    ['backups', KEEP, 'funkygibbon.db', 'hub.lock', 'hub.yaml.restored', 'mqtt-credentials.json'].toSorted(),
  );
  for (const name of ['funkygibbon.db', 'hub.yaml.restored', 'mqtt-credentials.json']) {
    expect(readFileSync(at(name), 'utf8')).toBe('new');
  }
  expect(readdirSync(at(KEEP)).toSorted()).toEqual(OLD);
  for (const name of OLD) expect(readFileSync(at(KEEP, name), 'utf8')).toBe('old');
}

describe('the swap', () => {
  test('puts the restored home in the place of the old one, which is kept', () => {
    expect(swapIn(folder.path, '20260101T000000Z')).toBe(at(KEEP));
    expectRestored();
    expect(finishRestore(folder.path)).toBeNull();
  });

  test.each([0, 1, 2, 3, 4])('comes to its end when it was cut off with %i old files moved away', (moved) => {
    writeFileSync(at('restore.json'), JSON.stringify({ format: 1, keep: KEEP, step: 'old' }));
    if (moved > 0) mkdirSync(at(KEEP));
    for (const name of OLD.slice(0, moved)) renameSync(at(name), at(KEEP, name));
    expect(finishRestore(folder.path)).toBe('finished');
    expectRestored();
  });

  test.each([0, 1, 2, 3])('comes to its end when it was cut off with %i new files moved in', (moved) => {
    mkdirSync(at(KEEP));
    for (const name of OLD) renameSync(at(name), at(KEEP, name));
    writeFileSync(at('restore.json'), JSON.stringify({ format: 1, keep: KEEP, step: 'new' }));
    for (const name of NEW.slice(0, moved)) {
      renameSync(at(STAGED, name), at(name === 'hub.yaml' ? 'hub.yaml.restored' : name));
    }
    expect(finishRestore(folder.path)).toBe('finished');
    expectRestored();
  });

  test('changes nothing where it had not been decided', () => {
    writeFileSync(at('restore.json.new'), '{"half');
    expect(finishRestore(folder.path)).toBe('cleared');
    for (const name of OLD) expect(readFileSync(at(name), 'utf8')).toBe('old');
    expect(readdirSync(folder.path)).not.toContain(STAGED);
  });

  test('a marker that makes no sense stops the start, and says what to do', () => {
    writeFileSync(at('restore.json'), '');
    expect(() => finishRestore(folder.path)).toThrow('Restore the backup once more');
    for (const name of OLD) expect(readFileSync(at(name), 'utf8')).toBe('old');
  });
});
