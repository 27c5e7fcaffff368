import type { JsonObject } from '../../base/json.ts';
import type { Observations } from './observations.ts';
import type { Candidate } from './types.ts';

import { shortHash } from '../../base/ids.ts';
import { automationContent, identityOf } from './automation-content.ts';
import { MIN_OBSERVED_DAYS } from './gates.ts';
import { countReverted } from './reverted.ts';
import { median } from './statistics.ts';
import { isSameHabit, type ShownSuggestion, type StoredSuggestion } from './stored.ts';
import { sentenceOf, titleOf } from './wording.ts';

/** Bytes of a suggestion's id. */
const ID_BYTES = 9;

/**
 * What is to be written after a search: what was found, what was proposed and is found no more, and how people take the
 * automations that were accepted.
 * @param isHeld of one that is being accepted at this moment.
 */
export function afterSearch(
  stored: readonly StoredSuggestion[],
  candidates: readonly Candidate[],
  observations: Observations,
  nowMs: number,
  isHeld: (id: string) => boolean,
): StoredSuggestion[] {
  const changed = new Map<string, StoredSuggestion>();
  for (const candidate of candidates) {
    const minute = usualMinute(observations, candidate);
    const identity = {
      ...identityOf(candidate.rule, candidate.target),
      ...(minute === null ? {} : { usual_minute: Math.round(minute) }),
    };
    const known = recognise(stored, identity, changed);
    // What people decided stands, and stays as they saw it.
    if (known && (known.status === 'accepted' || known.status === 'dismissed')) continue;
    const id = known?.id ?? shortHash(JSON.stringify(identity), ID_BYTES);
    changed.set(id, {
      id,
      identity,
      status: 'proposed',
      shown: toShown(candidate, observations),
      firstMs: known?.firstMs ?? nowMs,
      lastMs: nowMs,
      decidedMs: null,
      decidedBy: null,
      reason: null,
      automationId: null,
      runs: 0,
      reverted: 0,
    });
  }
  // Where there was hardly anything to look at (the clock is not set yet, a new disk) nobody knows what is over.
  const isTold = observations.days.length >= MIN_OBSERVED_DAYS;
  for (const one of stored) {
    if (one.status === 'accepted' && one.automationId !== null) {
      const { runs, reverted } = countReverted(observations, one.automationId, one.shown.target);
      if (runs !== one.runs || reverted !== one.reverted) changed.set(one.id, { ...one, runs, reverted });
    }
    if (!isTold || one.status !== 'proposed' || changed.has(one.id) || isHeld(one.id)) continue;
    changed.set(one.id, { ...one, status: 'withdrawn' });
  }
  return [...changed.values()];
}

/** The time of day of what it rests on; null where that is no habit by time. */
export function usualMinute(observations: Observations, { rule, explainsMs }: Candidate): number | null {
  if (rule.type !== 'time') return null;
  if (rule.frame === 'clock') return rule.minute;
  // A habit by the sun moves through the year: where it is now counts.
  return median(explainsMs.slice(-7).map((ms) => observations.minutesOf(ms, observations.dayAt(ms))));
}

/** Decisions first: a habit that drifted must not come back beside the one that was dismissed. */
function recognise(
  stored: readonly StoredSuggestion[],
  identity: JsonObject,
  taken: ReadonlyMap<string, unknown>,
): StoredSuggestion | undefined {
  const known = stored.filter((one) => isSameHabit(one.identity, identity));
  const decided = known.find(({ status }) => status === 'dismissed' || status === 'accepted');
  return decided ?? known.find(({ id }) => !taken.has(id));
}

function toShown(candidate: Candidate, { devices }: Observations): ShownSuggestion {
  const { rule, target, evidence, dryRun } = candidate;
  const device = devices.get(target.entityId);
  const title = titleOf(candidate, devices);
  const commandKinds = device?.capabilities.find(({ name }) => name === target.capability)?.commandKinds;
  return {
    type: rule.type,
    title,
    sentence: sentenceOf(candidate, devices),
    target: { ...target, name: device?.name ?? target.entityId },
    commandKinds: commandKinds ?? [],
    automation: automationContent(candidate, title),
    evidence,
    dryRun,
  };
}
