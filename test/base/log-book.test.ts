import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { LogBook, type LogBookOptions } from '../../src/base/log-book.ts';
import { LogRing } from '../../src/base/log-ring.ts';
import { inRequest } from '../../src/base/request-scope.ts';

function openBook(options: Partial<LogBookOptions> = {}): { book: LogBook; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { book: new LogBook({ level: 'info', format: 'json', destination, ...options }), lines };
}

const messages = (lines: readonly string[]): unknown[] =>
  lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg);

describe('the last lines', () => {
  test('are found by level, part, text and number, the newest of them', () => {
    const { book } = openBook();
    const mqtt = book.logger.child({ part: 'mqtt' });
    book.logger.info({ port: 1 }, 'first');
    mqtt.warn({ topic: 'Kitchen/Lamp' }, 'second');
    mqtt.error('third');
    const found = (query: object): unknown[] =>
      book.find({ limit: 10, ...query }).map(({ line }) => line['msg']);
    expect(found({})).toEqual(['first', 'second', 'third']);
    expect(found({ limit: 2 })).toEqual(['second', 'third']);
    expect(found({ level: 'warn' })).toEqual(['second', 'third']);
    expect(found({ part: 'mqtt', level: 'error' })).toEqual(['third']);
    expect(found({ text: 'kitchen' })).toEqual(['second']);
    expect(found({ afterSeq: 2 })).toEqual(['third']);
    expect(book.lastSeq).toBe(3);
  });

  test('hold no secret that the log does not hold', () => {
    const { book } = openBook();
    book.logger.child({ part: 'x' }).info({ token: 'hunter2', a: { password: 'hunter2' } }, 'said');
    expect(JSON.stringify(book.find({ limit: 10 }))).not.toContain('hunter2');
    expect(book.find({ limit: 1 })[0]?.line['token']).toBe('[redacted]');
  });

  test('are two thousand, and a megabyte, at most', () => {
    const ring = new LogRing();
    for (let n = 1; n <= 5000; n += 1) ring.add(JSON.stringify({ level: 'info', msg: `line ${n}` }));
    const all = ring.find({ limit: 10_000 });
    expect(all).toHaveLength(2000);
    expect(all[0]).toEqual({ seq: 3001, line: { level: 'info', msg: 'line 3001' } });
    expect(ring.find({ limit: 1 })[0]?.seq).toBe(5000);
    for (let n = 0; n < 200; n += 1) ring.add(JSON.stringify({ level: 'info', msg: 'x'.repeat(15_000) }));
    expect(ring.find({ limit: 10_000 }).length).toBeLessThan(70);
    ring.add(JSON.stringify({ level: 'warn', part: 'mqtt', msg: 'big', payload: 'y'.repeat(3_000_000) }));
    const [big] = ring.find({ limit: 1 });
    expect(big?.line).toMatchObject({ level: 'warn', part: 'mqtt', msg: 'big' });
    expect(JSON.stringify(big).length).toBeLessThan(1000);
    expect(ring.find({ limit: 10_000 }).length).toBeGreaterThan(50);
  });
});

describe('what comes again and again', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('is left out and summed up; what is asked for with debug is not', () => {
    const { book, lines } = openBook({ level: 'debug', repeatsPerMinute: 3 });
    const part = book.logger.child({ part: 'mqtt' });
    for (let n = 0; n < 50; n += 1) part.warn({ n }, 'nonsense from a device');
    for (let n = 0; n < 10; n += 1) part.debug({ n }, 'answered');
    part.error('something else');
    expect(messages(lines).filter((message) => message === 'nonsense from a device')).toHaveLength(3);
    expect(messages(lines).filter((message) => message === 'answered')).toHaveLength(10);
    expect(messages(lines)).toContain('something else');
    lines.length = 0;
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ left_out: 47, repeated: 'nonsense from a device' });
    part.warn('nonsense from a device');
    expect(lines).toHaveLength(2);
    book[Symbol.dispose]();
    expect(lines).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is told of when the hub stops before its minute is over', () => {
    const { book, lines } = openBook({ repeatsPerMinute: 1 });
    book.logger.warn('again');
    book.logger.warn('again');
    book[Symbol.dispose]();
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ left_out: 1, repeated: 'again' });
  });

  test('has a level for a while that ends by itself', () => {
    const { book, lines } = openBook();
    const early = book.logger.child({ part: 'http' }).child({ connection: 1 });
    early.debug('not yet');
    book.setLevel('debug', 5000);
    early.debug('now');
    book.logger.child({ part: 'late' }).debug('and here');
    expect(messages(lines)).toEqual(['now', 'and here']);
    expect(book.standing.level).toBe('debug');
    expect(book.standing.endsInMs).toBeGreaterThan(0);
    vi.advanceTimersByTime(5000);
    early.debug('no more');
    expect(messages(lines)).toEqual(['now', 'and here']);
    expect(book.standing).toEqual({ level: 'info', endsInMs: null });
    book.setLevel('warn', null);
    early.info('too little');
    expect(lines).toHaveLength(2);
    book[Symbol.dispose]();
  });
});

test('each line of a request carries its id, and none that comes after it', async () => {
  const { book, lines } = openBook();
  const deep = book.logger.child({ part: 'graph' });
  const later = Promise.withResolvers<void>();
  let after: Promise<void> | undefined;
  await Promise.all(
    ['a', 'b'].map(
      async (id) =>
        await inRequest(id, async () => {
          await setImmediate();
          deep.info({ of: id }, 'during');
          after ??= later.promise.then(() => deep.info('after'));
        }),
    ),
  );
  later.resolve();
  await after;
  await inRequest('c', async () => {
    deep.info({ request_id: 'own' }, 'its own');
    return await Promise.resolve();
  });
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.slice(0, 2).map((line) => [line['of'], line['request_id']])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
  ]);
  expect(parsed[2]).not.toHaveProperty('request_id');
  expect(lines[3]?.match(/request_id/g)).toHaveLength(1);
  expect(parsed[3]?.['request_id']).toBe('own');
});

test.each([
  ['json', /^<4>\{"level":"warn"/, /^<3>\{"level":"error"/],
  ['pretty', /^<4>\d\d:\d\d:\d\d ! hub/, /^<3>\d\d:\d\d:\d\d ✗ hub/],
] as const)('the journal is told how grave each line is (%s)', (format, warning, failure) => {
  const { book, lines } = openBook({ format, journal: true });
  book.logger.info('fine');
  book.logger.warn('<0>not so fine');
  book.logger.error('bad');
  expect(lines[0]).toMatch(/^<6>/);
  expect(lines[1]).toMatch(warning);
  expect(lines[2]).toMatch(failure);
  expect(lines.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true);
});
