import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { DigestV2 } from './digest.ts';
import type { AnswerPlan } from './types.ts';

import { toV2Time } from '../../graph/graph.ts';
import { ChangeStream } from './changes.ts';
import { PROTOCOL_V2 } from './types.ts';

/** Text that is handed on at a time, in UTF-16 units. */
const CHUNK_LENGTH = 64 * 1024;
/** Longer than this nobody else should wait for the event loop. */
const SLICE_MS = 5;

/**
 * The JSON text of an answer, a chunk at a time, read while it is asked for: whoever stops asking stops the reading. What
 * can only be known at the end comes after the changes.
 */
export async function* answerText(
  plan: AnswerPlan,
  { clock, digest }: { readonly clock: Clock; readonly digest: DigestV2 },
): AsyncGenerator<string> {
  const { request, outcome } = plan;
  const changes = new ChangeStream(plan);
  const head = JSON.stringify({ protocol_version: PROTOCOL_V2, sync_type: request.syncType });
  let text = `${head.slice(0, -1)},"changes":[`;
  let startedMs = clock.monotonicMs();
  for (const piece of changes.pieces()) {
    text += piece;
    if (text.length >= CHUNK_LENGTH) {
      yield text;
      text = '';
    }
    if (clock.monotonicMs() - startedMs >= SLICE_MS) {
      await setImmediate();
      startedMs = clock.monotonicMs();
    }
  }
  const rest = JSON.stringify({
    conflicts: outcome.conflicts,
    vector_clock: request.vectorClock,
    cursor: changes.nextCursor === null ? null : String(changes.nextCursor),
    state_digest: await digest.of(plan.snapshot),
    sync_stats: {
      entities_synced: outcome.applied.size,
      relationships_synced: outcome.appliedRelationships.size,
      conflicts_resolved: outcome.conflicts.length,
      duration_ms: clock.monotonicMs() - plan.startedMs,
    },
    server_time: toV2Time(plan.serverMicros),
    applied: [...outcome.applied],
    applied_relationships: [...outcome.appliedRelationships],
  });
  yield `${text}],${rest.slice(1)}`;
}
