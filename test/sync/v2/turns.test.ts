import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, principal, type SyncHome } from '../sync-home.ts';
import { TestClient, type AnswerV2 } from './client.ts';

/** What a reader may take before others go ahead. */
const PATIENCE_MS = 50;

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  const author = { userId: 'anna', deviceId: 'seed' };
  home.graph.transaction((writer) => {
    for (let i = 0; i < 1500; i++) {
      const content = { name: `Room ${i}` };
      writer.createEntity({ id: `room-${i}`, entityType: 'room', content, author, sourceType: 'manual' });
    }
  });
  await home.graph.settled();
});
afterEach(async () => {
  vi.useRealTimers();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A reader of everything that takes the answer chunk by chunk. */
class Reader {
  readonly #chunks: AsyncIterator<string>;
  #text = '';
  /** Whether the chunk that was asked for has come. */
  isServed = false;

  private constructor(chunks: AsyncIterator<string>) {
    this.#chunks = chunks;
  }

  static async begin(name: string): Promise<Reader> {
    const body = new TestClient(home, name).body({ sync_type: 'full' });
    const answer = await home.sync.v2.exchange(principal(), body);
    return new Reader(answer[Symbol.asyncIterator]());
  }

  async ask(): Promise<boolean> {
    this.isServed = false;
    const chunk = await this.#chunks.next();
    this.isServed = true;
    this.#text += chunk.done ? '' : chunk.value;
    return !chunk.done;
  }

  async readAll(): Promise<AnswerV2> {
    while (await this.ask());
    return JSON.parse(this.#text) as AnswerV2;
  }

  async goAway(): Promise<void> {
    await this.#chunks.return?.();
  }
}

async function someTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await setImmediate();
}

async function readers(count: number): Promise<Reader[]> {
  const begun: Reader[] = [];
  for (let i = 0; i < count; i++) begun.push(await Reader.begin(`client-${i}`));
  return begun;
}

describe('large answers', () => {
  test('are made two at a time, first come first served', async () => {
    let underWay = 0;
    let most = 0;
    const finished: number[] = [];
    await Promise.all(
      (await readers(6)).map(async (reader, index) => {
        await reader.ask();
        underWay += 1;
        most = Math.max(most, underWay);
        expect((await reader.readAll()).changes).toHaveLength(1500);
        underWay -= 1;
        finished.push(index);
      }),
    );
    expect(most).toBe(2);
    expect(finished.map((index) => Math.floor(index / 2))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('do not wait for readers that have stopped, who come first when they are back', async () => {
    const [a, b, c, d] = await readers(4);
    if (!a || !b || !c || !d) return;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await a.ask();
    await b.ask();
    const waiting = [c.ask(), d.ask()];
    await someTurns();
    expect([c.isServed, d.isServed]).toEqual([false, false]);
    vi.advanceTimersByTime(PATIENCE_MS);
    await Promise.all(waiting);

    // Both are in the line again, before whoever joined after them.
    const e = await Reader.begin('client-5');
    const later = [e.ask(), b.ask(), a.ask()];
    await someTurns();
    expect([a.isServed, b.isServed, e.isServed]).toEqual([false, false, false]);
    await c.goAway();
    await someTurns();
    expect([a.isServed, b.isServed, e.isServed]).toEqual([true, false, false]);
    await d.goAway();
    await someTurns();
    expect([b.isServed, e.isServed]).toEqual([true, false]);
    const answers = await Promise.all([a.readAll(), b.readAll()]);
    expect(answers.map(({ changes }) => changes.length)).toEqual([1500, 1500]);
    await Promise.all(later);
    expect((await e.readAll()).changes).toHaveLength(1500);
  });

  test('of a reader that is a little slow each time give others their turn, too', async () => {
    const [a, b, c] = await readers(3);
    if (!a || !b || !c) return;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await a.ask();
    await b.ask();
    const waiting = c.ask();
    home.clock.advance(499);
    await a.ask();
    await someTurns();
    expect(c.isServed).toBe(false);
    home.clock.advance(1);
    await a.ask();
    await waiting;
    const answers = await Promise.all([a.readAll(), b.readAll(), c.readAll()]);
    expect(answers.map(({ changes }) => changes.length)).toEqual([1500, 1500, 1500]);
  });

  test('hold up no small ones', async () => {
    const [a, b] = await readers(2);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await a?.ask();
    await b?.ask();
    const since = home.sync.v2.status('x').server_time;
    expect((await new TestClient(home, 'small').pull(since)).changes).toEqual([]);
  });

  test('of whoever goes away are not made any more', async () => {
    const [a, b, c] = await readers(3);
    if (!a || !b || !c) return;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await a.ask();
    await b.ask();
    const waiting = c.readAll();
    await a.goAway();
    expect((await waiting).changes).toHaveLength(1500);
    expect((await b.readAll()).changes).toHaveLength(1500);
  });
});
