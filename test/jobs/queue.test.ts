import { describe, expect, test, vi } from 'vitest';

import type { JobRun } from '../../src/jobs/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { FoundProblem } from '../../src/jobs/errors.ts';
import { openTwo, probe, type Probe } from './jobs-home.ts';

const DAY_MS = 24 * 3600_000;

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
    const { home, job } = await openTwo();
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
    const { home, job } = await openTwo();
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
      problems: [
        {
          kind: 'failed',
          job: 'send',
          message: 'The job send failed: nobody answers',
          action: expect.stringContaining('funkygibbon jobs run send'),
        },
      ],
    });
    expect(home.jobs.figures()[0]).toMatchObject({
      name: 'send',
      done: 0,
      failed: 1,
      retried: 2,
      lastDoneMs: null,
    });
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    await home.jobs.run('send');
    await home.jobs.idle();
    expect(home.jobs.health()).toEqual({ ok: true, problems: [] });
    expect(home.jobs.figures()[0]).toMatchObject({ done: 1, failed: 1, lastDoneMs: home.clock.nowMs() });
  });

  test('what a job found is not tried again, and stands until it is done, whatever else fails meanwhile', async () => {
    const { home, job } = await openTwo();
    await using _ = home;
    const foundMs = home.clock.nowMs();
    job.does = async () => await Promise.reject(new FoundProblem('torn', 'The cable is torn.', 'Mend it.'));
    await home.jobs.run('send');
    await home.jobs.idle();
    expect(job.runs).toHaveLength(1);
    const found = {
      kind: 'torn',
      job: 'send',
      message: 'The cable is torn.',
      action: 'Mend it.',
      sinceMs: foundMs,
    };
    expect(home.jobs.health()).toEqual({ ok: false, problems: [found] });
    home.clock.advance(DAY_MS);
    await home.jobs.run('send');
    await home.jobs.idle();
    expect(home.jobs.health().problems).toEqual([found]);
    job.does = async () => await Promise.reject(new Error('no time'));
    await home.jobs.run('send');
    await home.pass(300_000, 30_000);
    const jobs = await home.restart();
    expect(jobs.health().problems).toMatchObject([
      found,
      { kind: 'failed', message: expect.stringContaining('no time') },
    ]);
    job.does = async () => await Promise.resolve({ summary: 'Sent.' });
    await jobs.run('send');
    await jobs.idle();
    expect(jobs.health().ok).toBe(true);
  });

  test('a delay that a wrong clock reckoned does not last ten years', async () => {
    const { home, job } = await openTwo();
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
    const { home, job } = await openTwo();
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
    const { home, job, other } = await openTwo();
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
    const { home } = await openTwo();
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
    const { home, job } = await openTwo();
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
    const { home, job } = await openTwo();
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
    const { home, job } = await openTwo();
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
    const { home, job } = await openTwo();
    await using _ = home;
    await home.restart([{ ...job.definition, limitMs: 20 }]);
    const gate = Promise.withResolvers<void>();
    job.does = async () => {
      await gate.promise;
      return { summary: 'Late.' };
    };
    const { id } = await home.jobs.enqueue('send');
    await vi.waitFor(() => {
      expect(home.jobs.health().problems).toMatchObject([{ kind: 'stuck', job: 'send' }]);
    });
    home.clock.advance(DAY_MS);
    home.jobs.wake();
    expect(job.runs).toHaveLength(1);
    gate.resolve();
    expect(await home.jobs.tried(id, AbortSignal.timeout(5000))).toMatchObject({
      state: 'queued',
      attempts: 1,
    });
  });

  test('jobs that do not end keep the others from running no longer than their limit', async () => {
    const { home, job, other } = await openTwo();
    await using _ = home;
    const third = probe(home.clock, 'third');
    const [a, b] = [job, other].map(({ definition }) => ({ ...definition, limitMs: 20 }));
    if (!a || !b) throw new Error('no jobs were made');
    await home.restart([a, b, third.definition]);
    const gate = Promise.withResolvers<void>();
    job.does = other.does = async () => {
      await gate.promise;
      return { summary: 'Late.' };
    };
    await home.jobs.enqueue('send');
    await home.jobs.enqueue('other');
    await home.jobs.enqueue('third');
    await vi.waitFor(() => {
      home.jobs.wake();
      expect(third.runs).toHaveLength(1);
    });
    expect(home.jobs.health().problems).toContainEqual(
      expect.objectContaining({ kind: 'stuck', job: 'send' }),
    );
    gate.resolve();
    await home.jobs.idle();
  });

  test('an end that the disk will not take is written later, and the job does not run meanwhile', async () => {
    const { home, job } = await openTwo();
    await using _ = home;
    const { id } = await home.jobs.enqueue('send');
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage_full', 'full');
    });
    await home.jobs.idle();
    home.jobs.wake();
    expect(home.jobs.get(id).state).toBe('running');
    await expect(home.jobs.cancel(id)).rejects.toThrow('has not taken down');
    expect(home.jobs.health().problems).toMatchObject([{ kind: 'storage', job: null }]);
    write.mockRestore();
    await home.jobs.idle();
    expect(home.jobs.get(id).state).toBe('done');
    expect(home.jobs.health().ok).toBe(true);
    expect(job.runs).toHaveLength(1);
  });
});
