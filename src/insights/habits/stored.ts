import type { JsonObject } from '../../base/json.ts';
import type { Observed, Suggestion, SuggestionStatus } from './types.ts';

import { jsonEqual } from '../../base/json.ts';
import { isNear } from './statistics.ts';

/** The part of a suggestion that is made of what was found. */
export type ShownSuggestion = Pick<
  Suggestion,
  'type' | 'title' | 'sentence' | 'target' | 'commandKinds' | 'automation' | 'evidence' | 'dryRun'
>;

export interface StoredSuggestion {
  readonly id: string;
  readonly identity: JsonObject;
  readonly status: SuggestionStatus;
  readonly shown: ShownSuggestion;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly decidedMs: number | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly automationId: string | null;
  readonly runs: number;
  readonly reverted: number;
}

/** What was looked at the last time. */
export type StoredSearch = Pick<Observed, 'days' | 'sinceMs' | 'tried'> & { readonly computedMs: number };

/** Habits drift: so many minutes apart it is still the same one. */
const DRIFT_MINUTES = 90;

/**
 * Whether two identities (see `identityOf`) are of the same habit. One that goes by the clock in one month and by the sun
 * in the next is: then the time of day of both, as `usual_minute`, is what counts.
 */
export function isSameHabit(a: JsonObject, b: JsonObject): boolean {
  if (a['type'] !== b['type'] || !jsonEqual(a['target'], b['target'])) return false;
  if (a['type'] !== 'time') return jsonEqual(a['source'], b['source']);
  if (a['frame'] === b['frame'] && areNear(a['minute'], b['minute'])) return true;
  return areNear(a['usual_minute'], b['usual_minute']);
}

function areNear(a: unknown, b: unknown): boolean {
  return typeof a === 'number' && typeof b === 'number' && isNear(a, b, DRIFT_MINUTES);
}
