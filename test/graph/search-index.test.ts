import { setImmediate } from 'node:timers/promises';

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HubError } from '../../src/base/errors.ts';
import { readSearchState } from '../../src/graph/search/reader.ts';
import { GraphSearch } from '../../src/graph/search/search.ts';
import { WORD_FORMAT } from '../../src/graph/search/tokens.ts';
import { temporaryFolder } from '../support/store.ts';
import { anna, SearchHome } from './search-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SearchHome;
let logged: string[];

beforeEach(async () => {
  folder = temporaryFolder();
  logged = [];
  home = await open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function open(): Promise<SearchHome> {
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
  return await SearchHome.open(folder.path, undefined, log);
}

async function reopen(): Promise<void> {
  await home[Symbol.asyncDispose]();
  home = await open();
}

const indexedSeq = (): number => readSearchState(home.store.db).indexedSeq;

/** Lets what runs in slices go on until `done`. */
async function turns(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !done(); turn++) await setImmediate();
  expect(done()).toBe(true);
}

/** `count` entities in one commit: `e0`, `e1` … */
function putMany(count: number): void {
  home.graph.transaction((graph) => {
    for (let n = 0; n < count; n++) {
      const content = { name: `Lamp ${n}`, notes: `number ${n} of many` };
      graph.createEntity({ id: `e${n}`, entityType: 'note', content, author: anna, sourceType: 'manual' });
    }
  });
}

describe('the index', () => {
  test('lags behind a commit and catches up with a search', async () => {
    home.put('a', { name: 'Lamp' });
    expect(indexedSeq()).toBe(0);
    expect(await home.ids('lamp')).toEqual(['a']);
    expect(indexedSeq()).toBe(home.graph.committedSeq);
  });

  test('goes on where it was when the file is opened again', async () => {
    home.put('a', { name: 'Lamp' });
    home.put('b', { name: 'Shade' });
    expect(await home.ids('lamp')).toEqual(['a']);
    home.edit('b', { name: 'Lamp shade' });
    home.put('c', { name: 'Lamp' });
    home.delete('a');
    const before = indexedSeq();
    await reopen();
    expect(indexedSeq()).toBe(before);
    expect((await home.ids('lamp')).sort()).toEqual(['b', 'c']);
    await reopen();
    expect((await home.ids('lamp')).sort()).toEqual(['b', 'c']);
  });

  test('is far behind once and takes it in slices', async () => {
    putMany(2500);
    for (let n = 0; n < 2500; n += 500) home.edit(`e${n}`, { name: `Shade ${n}` });
    const writes = vi.spyOn(home.store, 'write');
    let done = false;
    const searching = home.search.matchingKeys('lamp').finally(() => {
      done = true;
    });
    let turn = 0;
    await turns(() => {
      turn += 1;
      return done;
    });
    expect(await searching).toHaveLength(2495);
    expect(turn).toBeGreaterThan(2500 / 50);
    expect(writes.mock.calls.length).toBeGreaterThan(2500 / 50);
    expect(await home.search.matchingKeys('shade')).toHaveLength(5);
    expect(await home.search.matchingKeys('"lamp 7"')).toHaveLength(1);
    await home.search.tidy();
    expect(await home.search.matchingKeys('many')).toHaveLength(2495);
  });

  test('is caught up with once for all who wait', async () => {
    putMany(120);
    const writes = vi.spyOn(home.store, 'write');
    const found = await Promise.all(['lamp', 'number', 'many'].map((q) => home.search.matchingKeys(q)));
    expect(found.map((keys) => keys.length)).toEqual([120, 120, 120]);
    const alone = writes.mock.calls.length;
    expect(alone).toBeGreaterThanOrEqual(3);
    expect(await home.search.matchingKeys('lamp')).toHaveLength(120);
    expect(writes.mock.calls.length).toBe(alone);
  });

  test('has what is committed while it catches up for another', async () => {
    putMany(120);
    const first = home.search.matchingKeys('lamp');
    await setImmediate();
    home.put('late', { name: 'Latecomer' });
    expect(await home.ids('latecomer')).toEqual(['late']);
    expect(await first).toHaveLength(120);
  });

  test('needs no write for edges', async () => {
    home.put('a', { name: 'Lamp' });
    home.put('room', { name: 'Kitchen' }, 'room');
    expect(await home.ids('lamp')).toEqual(['a']);
    home.graph.transaction((graph) =>
      graph.putRelationship({
        fromEntityId: 'a',
        toEntityId: 'room',
        relationshipType: 'located_in',
        properties: {},
        author: anna,
      }),
    );
    const writes = vi.spyOn(home.store, 'write');
    expect(await home.ids('lamp')).toEqual(['a']);
    expect(writes).not.toHaveBeenCalled();
  });

  test('leaves the connection as it was for the next statement', async () => {
    putMany(10);
    expect(await home.search.matchingKeys('lamp')).toHaveLength(10);
    for (let n = 0; n < 10; n++) home.delete(`e${n}`);
    expect(await home.search.matchingKeys('lamp')).toEqual([]);
    home.store.write((tx) => tx.run('UPDATE entity SET created_micros = created_micros'));
    await home.search.tidy();
    home.store.write((tx) => tx.run('UPDATE entity SET created_micros = created_micros'));
  });

  test('is made anew where its words were cut in another way', async () => {
    home.put('a', { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['a']);
    home.store.write((tx) => {
      tx.run("INSERT OR REPLACE INTO entity_search (rowid, name, body) VALUES (1, 'other', 'words')");
      tx.run("UPDATE search_state SET format = 'older'");
    });
    await reopen();
    expect(await home.ids('other')).toEqual([]);
    expect(await home.ids('lamp')).toEqual(['a']);
    expect(readSearchState(home.store.db).format).toBe(WORD_FORMAT);
  });

  test('is whole by the judgement of SQLite', async () => {
    putMany(300);
    await home.search.tidy();
    for (let n = 0; n < 300; n += 3) home.delete(`e${n}`);
    for (let n = 1; n < 300; n += 3) home.edit(`e${n}`, { name: 'Shade' });
    await home.search.tidy();
    home.store.write((tx) => tx.run("INSERT INTO entity_search (entity_search) VALUES ('integrity-check')"));
    expect(home.store.db.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' });
    expect(await home.search.matchingKeys('lamp')).toHaveLength(100);
    // node:sqlite throws at one above 2^53, in whichever statement comes next.
    const last = home.store.db.get<{ fits: number }>('SELECT last_insert_rowid() < 1000000 AS fits');
    expect(last).toEqual({ fits: 1 });
  });
});

describe('a disk that takes no writes', () => {
  test('hides nothing from a search, and is logged once', async () => {
    home.put('old', { name: 'Lamp' });
    home.put('gone', { name: 'Lamp' });
    home.put('renamed', { name: 'Lamp' });
    expect(await home.ids('lamp')).toHaveLength(3);
    home.put('new', { name: 'New lamp' });
    home.put('device', { name: 'x', notes: 'lamp' }, 'device');
    home.edit('renamed', { name: 'Shade' });
    home.delete('gone');
    const full = new HubError('storage_full', 'The disk is full.');
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw full;
    });
    expect((await home.ids('lamp')).sort()).toEqual(['device', 'new', 'old']);
    expect(await home.ids('shade')).toEqual(['renamed']);
    expect(await home.ids('lamp', { entityTypes: ['device'] })).toEqual(['device']);
    expect(await home.search.matchingKeys('lamp')).toHaveLength(3);
    expect(logged.filter((line) => line.includes('falls behind'))).toHaveLength(1);
    write.mockRestore();
    expect((await home.ids('lamp')).sort()).toEqual(['device', 'new', 'old']);
    expect(indexedSeq()).toBe(home.graph.committedSeq);
  });

  test('hides nothing either where the index is of no use to this program', async () => {
    home.put('a', { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['a']);
    home.store.write((tx) => {
      tx.run("INSERT OR REPLACE INTO entity_search (rowid, name, body) VALUES (1, 'other', 'words')");
      tx.run("UPDATE search_state SET format = 'older'");
    });
    await reopen();
    vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage', 'read-only');
    });
    expect(await home.ids('lamp')).toEqual(['a']);
    expect(await home.ids('other')).toEqual([]);
  });

  test('at the first start does not either', async () => {
    home.put('a', { name: 'Lamp' });
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage', 'read-only');
    });
    expect(await home.ids('lamp')).toEqual(['a']);
    await home.search.tidy();
    write.mockRestore();
    expect(await home.ids('lamp')).toEqual(['a']);
  });
});

describe('in the background', () => {
  test('a change is indexed a while after it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await reopen();
    home.put('a', { name: 'Lamp' });
    home.search.noteCommit();
    home.put('b', { name: 'Lamp' });
    home.search.noteCommit();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(299_999);
    await setImmediate();
    expect(indexedSeq()).toBe(0);
    vi.advanceTimersByTime(1);
    await turns(() => indexedSeq() === home.graph.committedSeq);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('nothing runs once it is disposed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await reopen();
    putMany(500);
    home.search.noteCommit();
    const searching = home.search.search({ q: 'lamp', limit: 10 });
    const keys = home.search.matchingKeys('lamp');
    const tidying = home.search.tidy();
    await setImmediate();
    home.search[Symbol.dispose]();
    home.search[Symbol.dispose]();
    const writes = vi.spyOn(home.store, 'write');
    await expect(searching).rejects.toThrow(/shutting down/);
    await expect(keys).rejects.toThrow(/shutting down/);
    await tidying;
    home.search.noteCommit();
    expect(vi.getTimerCount()).toBe(0);
    await expect(home.ids('lamp')).rejects.toThrow(/shutting down/);
    const moment = { micros: home.clock.nowMs() * 1000, seq: home.graph.committedSeq };
    await expect(home.ids('lamp', { moment })).rejects.toThrow(/shutting down/);
    await home.search.tidy();
    expect(writes).not.toHaveBeenCalled();
    expect(indexedSeq()).toBeLessThan(500);
    expect(logged).toEqual([]);
  });

  test('a second reader of the file does no harm', async () => {
    const { store, graph } = home;
    const other = new GraphSearch({
      store,
      log: pino({ level: 'silent' }),
      committedSeq: () => graph.committedSeq,
    });
    home.put('a', { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['a']);
    home.edit('a', { name: 'Shade' });
    expect(await other.matchingKeys('shade')).toHaveLength(1);
    expect(await home.ids('lamp')).toEqual([]);
    expect(await home.ids('shade')).toEqual(['a']);
    other[Symbol.dispose]();
  });
});
