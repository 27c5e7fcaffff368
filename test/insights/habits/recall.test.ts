import { expect, test } from 'vitest';

import type { Candidate } from '../../../src/insights/habits/types.ts';

import { KINDS, plantedHome, type Kind } from './planted.ts';
import { search } from './search-home.ts';

/** The long table is asked for by `HABITS_TABLE=1 npx vitest run test/insights/habits/recall.test.ts`. */
const IS_LONG = process.env['HABITS_TABLE'] === '1';

interface Score {
  planted: number;
  found: number;
  /** Of those that were found: on days of which the rule knew nothing. */
  firings: number;
  right: number;
  days: number;
}

interface Scores {
  readonly byKind: ReadonlyMap<Kind, Score>;
  /** Suggestions that nobody planted. */
  readonly others: string[];
  readonly suggestions: number;
  /** Of what was planted by the sun, how many were found to go by it. */
  readonly bySun: number;
}

async function scoresOf(days: number, seeds: number, until?: string): Promise<Scores> {
  const byKind = new Map<Kind, Score>();
  const others: string[] = [];
  let suggestions = 0;
  let bySun = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const { home, planted } = plantedHome(days, seed, until);
    const { candidates } = await search(home);
    suggestions += candidates.length;
    const explained = new Set<Candidate>();
    for (const { kind, isFound } of planted) {
      const score = byKind.get(kind) ?? { planted: 0, found: 0, firings: 0, right: 0, days: 0 };
      byKind.set(kind, score);
      const one = candidates.find(isFound);
      score.planted += 1;
      if (!one) continue;
      explained.add(one);
      score.found += 1;
      score.firings += one.dryRun.heldOut?.firings ?? 0;
      score.right += one.dryRun.heldOut?.right ?? 0;
      score.days += one.dryRun.heldOut?.days ?? 0;
      if (kind === 'sunset' && one.rule.type === 'time' && one.rule.frame !== 'clock') bySun += 1;
    }
    const noise = candidates.filter(({ target }) => target.entityId.startsWith('noise'));
    others.push(...noise.map(({ target, rule }) => `seed ${seed}: ${target.entityId} ${rule.type}`));
  }
  return { byKind, others, suggestions, bySun };
}

function rowsOf(days: number, { byKind, others, suggestions, bySun }: Scores): string[] {
  const rows = KINDS.map((kind) => {
    const { planted, found, firings, right, days: later } = byKind.get(kind) ?? { ...NOTHING };
    const wrong = (firings - right) / Math.max(1, later);
    const hit = firings === 0 ? '-' : `${((100 * right) / firings).toFixed(0)} %`;
    return `| ${days} | ${kind} | ${found} of ${planted} | ${hit} | ${wrong.toFixed(2)} |`;
  });
  return [...rows, `${suggestions} suggestions, ${others.length} of them about noise; ${bySun} by the sun`];
}
const NOTHING: Score = { planted: 0, found: 0, firings: 0, right: 0, days: 0 };

test('of every kind of habit nine in ten are found after two weeks, and hold on the days after', async () => {
  const scores = await scoresOf(14, 4);
  const all = [...scores.byKind.values()];
  const sum = (pick: (score: Score) => number): number =>
    all.reduce((total, score) => total + pick(score), 0);
  expect(sum(({ planted }) => planted)).toBe(4 * 11);
  expect(sum(({ found }) => found) / sum(({ planted }) => planted)).toBeGreaterThanOrEqual(0.9);
  for (const [kind, { planted, found }] of scores.byKind) {
    expect(found, kind).toBeGreaterThanOrEqual(planted * 0.75);
  }
  expect(sum(({ right }) => right) / sum(({ firings }) => firings)).toBeGreaterThanOrEqual(0.85);
  expect(scores.others).toEqual([]);
});

test.runIf(IS_LONG)(
  'the long table',
  async () => {
    const rows: string[] = [];
    for (const days of [14, 21, 28, 60]) rows.push(...rowsOf(days, await scoresOf(days, 40)));
    for (const until of ['2026-06-28', '2026-09-30', '2026-12-28']) {
      rows.push(until, ...rowsOf(14, await scoresOf(14, 20, until)).filter((row) => /sun/.test(row)));
    }
    process.stdout.write(`${rows.join('\n')}\n`);
  },
  1_800_000,
);
