import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { Db } from '../../base/db.ts';
import type { DigestV2 } from './digest.ts';
import type { Turn } from './turns.ts';
import type { AnswerPlan } from './types.ts';

import { toV2Time } from '../../graph/graph.ts';
import { readTogether } from '../../base/db.ts';
import { ChangeStream } from './changes.ts';
import { PROTOCOL_V2 } from './types.ts';

/** Text that is handed on at a time, in UTF-16 units. */
const CHUNK_LENGTH = 64 * 1024;
/** Longer than this nobody else should wait for the event loop. */
const SLICE_MS = 5;

export interface AnswerTools {
  readonly clock: Clock;
  /** Of the graph's file. */
  readonly db: Db;
  readonly digest: DigestV2;
  /** Where a large answer waits for others; undefined for a small one. */
  readonly turn: Turn | undefined;
}

/**
 * The JSON text of an answer, a chunk at a time, read while it is asked for: whoever stops asking stops the reading. What
 * can only be known at the end comes after the changes.
 */
export async function* answerText(plan: AnswerPlan, tools: AnswerTools): AsyncGenerator<string> {
  // Ends with the reading, however that ends.
  using turn = tools.turn;
  await turn?.take();
  for await (const chunk of chunksOf(plan, tools)) {
    turn?.lend();
    yield chunk;
    await turn?.take();
  }
}

async function* chunksOf(plan: AnswerPlan, { clock, db, digest }: AnswerTools): AsyncGenerator<string> {
  const { request, outcome } = plan;
  const changes = new ChangeStream(plan);
  const head = JSON.stringify({ protocol_version: PROTOCOL_V2, sync_type: request.syncType });
  let text = `${head.slice(0, -1)},"changes":[`;
  const pieces = changes.pieces();
  let startedMs = clock.monotonicMs();
  const isLate = (): boolean => clock.monotonicMs() - startedMs >= SLICE_MS;
  for (;;) {
    const length = text.length;
    const slice = takeSlice(pieces, db, (taken) => length + taken.length >= CHUNK_LENGTH || isLate());
    text += slice.text;
    if (text.length >= CHUNK_LENGTH) {
      yield text;
      text = '';
    }
    if (slice.done) break;
    if (isLate()) {
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

/** The next pieces until that is enough, read under one lock; `done` when there are no more. */
function takeSlice(
  pieces: Iterator<string>,
  db: Db,
  isEnough: (text: string) => boolean,
): { readonly text: string; readonly done: boolean } {
  const slice = { text: '', done: false };
  readTogether(db, () => {
    do {
      const piece = pieces.next();
      if (piece.done) slice.done = true;
      else slice.text += piece.value;
    } while (!slice.done && !isEnough(slice.text));
  });
  return slice;
}
