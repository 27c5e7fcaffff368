import { describe, expect, test, vi } from 'vitest';

import type { JobRun } from '../../src/jobs/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { historyCleanup } from '../../src/jobs/jobs.ts';
import { openJobs, probe, type JobsHome, type Probe } from './jobs-home.ts';

const DAY_MS = 24 * 3600_000;

async function open(): Promise<{ home: JobsHome; job: Probe; other: Probe }> {
  const probes: Probe[] = [];
  const home = await openJobs((clock) => {
    probes.push(probe(clock, 'send'), probe(clock, 'other'));
    return probes.map(({ definition }) => definition);
  });
  const [job, other] = probes;
  if (!job || !other) throw new Error('no jobs were made');
  return { home, job, other };
}

function states(runs: readonly JobRun[]): string[] {
  return runs.map(({ state }) => state);
}

/** Runs until it is told to end. */
const untilAborted: Probe['does'] = async ({ signal }) => {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason));
  return await promise;
};

describe('the queue', () => {
  test('runs at once or at its time, with its payload, and keeps what it came to', async () => {
    const { home, job } = await open();
    await using _ = home;
    job.does = async ({ payload }) =>
      await Promise.resolve({ summary: `Sent ${String(payload['to'])}.`, sent: 1, note: 'x' });
    const { id } = await home.jobs.enqueue('send', { to: 'anna' });
    const later = await home.jobs.enqueue('send', { to: 'ben' }, { runAtMs: home.clock.nowMs() + DAY_MS });
    await home.jobs.idle();
    expect(home.jobs.get(id)).toMatchObject({
      state: 'done',
      attempts: 1,
      summary: 'Sent anna.',
      figures: { sent: 1 },
    });
    expect(later.state).toBe('queued');
    await home.pass(DAY_MS - 60_000, 3600_000);
    expect(job.runs).toHaveLength(1);
    await home.pass(60_000);
    expect(job.runs.map(({ payload }) => payload)).toEqual([{ to: 'anna' }, { to: 'ben' }]);
  });

  test('tries again after 60 s and 120 s, then it has failed and health says so until it works', async () => {
    const { home, job } = await open();
    await using _ = home;
    job.does = async () => await Promise.reject(new Error('nobody answers'));
    const startMs = home.clock.nowMs();
    const { id } = await home.jobs.enqueue('send');
    await home.jobs.idle();
    await home.pass(600_000, 10_000);
    expect(job.runs.map(({ atMs, attempt }) => [atMs - startMs, attempt])).toEqual([
      [0, 1],
      [60_000, 2],
      [180_000, 3],
    ]);
    expect(home.jobs.get(id)).toMatchObject({ state: 'failed', attempts: 3, error: 'nobody answers' });
    expect(home.jobs.health()).toMatchObject({
      ok: false,
      failing: [{ name: 'send', error: 'nobody answers' }],
    });
    expect(home.jobs.counters()).toEqual({ done: 0, failed: 1, retried: 2, cancelled: 0 });
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    await home.jobs.run('send');
    await home.jobs.idle();
    expect(home.jobs.health()).toEqual({ ok: true, failing: [], overdue: [] });
  });

  test('a delay that a wrong clock reckoned does not last ten years', async () => {
    const { home, job } = await open();
    await using _ = home;
    const rightMs = home.clock.nowMs();
    home.clock.jumpTo(rightMs + 10 * 365 * DAY_MS);
    job.does = async () => await Promise.reject(new Error('not yet'));
    await home.jobs.enqueue('send');
    await home.jobs.idle();
    home.clock.jumpTo(rightMs);
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    await home.jobs.idle();
    expect(job.runs).toHaveLength(2);
    expect(states(home.jobs.history({}, 0, 10))).toEqual(['done']);
  });

  test('the same key is one job, also while it runs, after it, and after a restart; a failure frees it', async () => {
    const { home, job } = await open();
    await using _ = home;
    const { id } = await home.jobs.enqueue('send', {}, { key: 'a' });
    expect((await home.jobs.enqueue('send', {}, { key: 'a' })).id).toBe(id);
    await home.jobs.idle();
    const jobs = await home.restart();
    expect((await jobs.enqueue('send', {}, { key: 'a' })).id).toBe(id);
    expect((await jobs.enqueue('other', {}, { key: 'a' })).id).not.toBe(id);
    await jobs.idle();
    expect(job.runs).toHaveLength(1);
    job.does = async () => await Promise.reject(new Error('no'));
    const failed = await jobs.enqueue('send', {}, { key: 'b' });
    await home.pass(300_000, 30_000);
    expect(jobs.get(failed.id).state).toBe('failed');
    expect((await jobs.enqueue('send', {}, { key: 'b' })).id).not.toBe(failed.id);
  });

  test('a job never overlaps itself, and a long queue of one keeps no other waiting', async () => {
    const { home, job, other } = await open();
    await using _ = home;
    const gate = Promise.withResolvers<void>();
    let atOnce = 0;
    let most = 0;
    job.does = async () => {
      most = Math.max(most, ++atOnce);
      await gate.promise;
      atOnce -= 1;
      return { summary: 'Sent.' };
    };
    for (let i = 0; i < 150; i++) await home.jobs.enqueue('send', { i });
    await home.jobs.enqueue('other');
    await vi.waitFor(() => expect(other.runs).toHaveLength(1));
    expect(job.runs).toHaveLength(1);
    gate.resolve();
    await home.jobs.idle();
    expect(most).toBe(1);
    expect(job.runs.map(({ payload }) => payload['i'])).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });

  test('bad orders are refused with what to do', async () => {
    const { home } = await open();
    await using _ = home;
    await expect(home.jobs.enqueue('nothing')).rejects.toThrow('There are: send, other.');
    await expect(home.jobs.run('nothing')).rejects.toMatchObject({ kind: 'not_found' });
    await expect(home.jobs.enqueue('send', { text: 'x'.repeat(70_000) })).rejects.toMatchObject({
      kind: 'invalid',
    });
    await expect(home.jobs.cancel(77)).rejects.toMatchObject({ kind: 'not_found' });
  });
});

describe('by hand', () => {
  test('a run that waits or is under way is joined, and one that waits for its next try begins', async () => {
    const { home, job } = await open();
    await using _ = home;
    job.does = async () => await Promise.reject(new Error('no'));
    const first = await home.jobs.run('send');
    expect((await home.jobs.run('send')).id).toBe(first.id);
    expect(await home.jobs.tried(first.id, AbortSignal.timeout(5000))).toMatchObject({
      state: 'queued',
      error: 'no',
    });
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    const second = await home.jobs.run('send');
    expect(await home.jobs.tried(second.id, AbortSignal.timeout(5000))).toMatchObject({ state: 'done' });
    expect(home.jobs.get(first.id).state).toBe('cancelled');
    expect(job.runs).toHaveLength(2);
  });

  test('what waits is taken back, what runs is told to end, what is over stays', async () => {
    const { home, job } = await open();
    await using _ = home;
    job.does = untilAborted;
    const running = await home.jobs.enqueue('send');
    const waiting = await home.jobs.enqueue('send');
    expect((await home.jobs.cancel(waiting.id)).state).toBe('cancelled');
    const told = home.jobs.tried(running.id, AbortSignal.timeout(5000));
    await home.jobs.cancel(running.id);
    expect(await told).toMatchObject({ state: 'cancelled', error: 'It was cancelled.' });
    await expect(home.jobs.cancel(running.id)).rejects.toMatchObject({ kind: 'conflict' });
    await home.pass(600_000);
    expect(job.runs).toHaveLength(1);
    const gone = new HubError('unavailable', 'gone');
    await expect(home.jobs.tried((await home.jobs.enqueue('send')).id, AbortSignal.abort(gone))).rejects.toBe(
      gone,
    );
  });
});

describe('the end of the hub', () => {
  test('what runs is told to end, does not count as a try, and runs again after the start', async () => {
    const { home, job } = await open();
    await using _ = home;
    job.does = untilAborted;
    const { id } = await home.jobs.enqueue('send');
    expect(home.jobs.list()[0]).toMatchObject({ running: true });
    await home.jobs[Symbol.asyncDispose]();
    expect(home.jobs.get(id)).toMatchObject({ state: 'queued', attempts: 0 });
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    await (await home.restart()).idle();
    expect(home.jobs.get(id)).toMatchObject({ state: 'done', attempts: 1 });
  });

  test('what takes longer than its limit is told to end and has failed; what does not end never runs twice', async () => {
    const { home, job } = await open();
    await using _ = home;
    await home.restart([{ ...job.definition, limitMs: 20 }]);
    const gate = Promise.withResolvers<void>();
    job.does = async () => {
      await gate.promise;
      return { summary: 'Late.' };
    };
    const { id } = await home.jobs.enqueue('send');
    await vi.waitFor(() => expect(home.jobs.health().overdue).toEqual(['send']));
    home.clock.advance(DAY_MS);
    home.jobs.wake();
    expect(job.runs).toHaveLength(1);
    gate.resolve();
    expect(await home.jobs.tried(id, AbortSignal.timeout(5000))).toMatchObject({
      state: 'queued',
      attempts: 1,
    });
  });

  test('an end that the disk will not take is written later, and the job does not run meanwhile', async () => {
    const { home, job } = await open();
    await using _ = home;
    const { id } = await home.jobs.enqueue('send');
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage_full', 'full');
    });
    await home.jobs.idle();
    home.jobs.wake();
    expect(home.jobs.get(id).state).toBe('running');
    write.mockRestore();
    await home.jobs.idle();
    expect(home.jobs.get(id).state).toBe('done');
    expect(job.runs).toHaveLength(1);
  });
});

describe('history', () => {
  test('is paged and filtered, and removed when it is old, unless the clock only seems to say so', async () => {
    const { home, job, other } = await open();
    await using _ = home;
    await home.restart([job.definition, other.definition, { ...historyCleanup(home.store), schedule: null }]);
    for (let i = 0; i < 5; i++) await home.jobs.enqueue('send', { i });
    await home.jobs.enqueue('other');
    await home.jobs.idle();
    const [newest] = home.jobs.history({ name: 'send', state: 'done' }, 0, 2);
    expect(home.jobs.history({ name: 'send' }, newest?.id ?? 0, 10)).toHaveLength(4);
    expect(home.jobs.history({ state: 'failed' }, 0, 10)).toEqual([]);

    const clean = async (): Promise<number | undefined> => {
      const { id } = await home.jobs.run('job-history-cleanup');
      return (await home.jobs.tried(id, AbortSignal.timeout(5000))).figures['removed'];
    };
    const rightMs = home.clock.nowMs();
    home.clock.jumpTo(rightMs + 100 * DAY_MS);
    expect(await clean()).toBe(0);
    home.clock.jumpTo(rightMs);
    await home.pass(91 * DAY_MS, DAY_MS / 2);
    // Its own run of the time before is among them.
    expect(await clean()).toBe(6);
    expect(home.jobs.history({ name: 'send' }, 0, 10)).toEqual([]);
  });
});
