import { describe, expect, test } from 'vitest';

import { historyCleanup } from '../../src/jobs/jobs.ts';
import { openTwo } from './jobs-home.ts';

const DAY_MS = 24 * 3600_000;

describe('history', () => {
  test('is paged and filtered, and removed when it is old, unless the clock only seems to say so', async () => {
    const { home, job, other } = await openTwo();
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

  test('what waits for a job that is gone is not kept for ever', async () => {
    const { home, other } = await openTwo();
    await using _ = home;
    await home.jobs.enqueue('send', {}, { runAtMs: home.clock.nowMs() + DAY_MS });
    await home.restart([other.definition, { ...historyCleanup(home.store), schedule: null }]);
    const clean = async (): Promise<void> => {
      await home.jobs.run('job-history-cleanup');
      await home.jobs.idle();
    };
    await home.pass(60 * DAY_MS, DAY_MS / 2);
    await clean();
    expect(home.jobs.history({ name: 'send' }, 0, 10)).toMatchObject([{ state: 'queued' }]);
    await home.pass(32 * DAY_MS, DAY_MS / 2);
    await clean();
    expect(home.jobs.history({ name: 'send' }, 0, 10)).toEqual([]);
  });
});
