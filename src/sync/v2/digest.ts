import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { GraphSnapshot } from '../../graph/graph.ts';

import { isV2EntityType } from '../../graph/graph.ts';

/** Rows per turn of the event loop, about a millisecond's work. */
const SLICE_ROWS = 500;

/**
 * The digest of what v2 clients are served, tombstones included (INBETWEENIES-V2.md 4.9): computed a slice at a time, and
 * kept until the graph moves. Entities of types that v2 has no word for (photo, service) are not in it. Whoever pushes one
 * sees it once, in the answer to that push, which is an acknowledgement (K6) and no part of the state: the digest that a
 * client can compare with is that of what a full sync told it and the deltas since, without such echoes.
 */
export class DigestV2 {
  #last: { readonly seq: number; readonly result: Promise<string> } | undefined;

  /** Lower-case hex, of exactly the snapshot. */
  async of(snapshot: GraphSnapshot): Promise<string> {
    const seq = snapshot.untilSeq;
    if (this.#last?.seq !== seq) {
      const last = { seq, result: compute(snapshot) };
      this.#last = last;
      last.result.catch(() => {
        if (this.#last === last) this.#last = undefined;
      });
    }
    return await this.#last.result;
  }
}

async function compute(snapshot: GraphSnapshot): Promise<string> {
  const hash = createHash('sha256');
  let afterId = '';
  for (;;) {
    const names = snapshot.names(afterId, SLICE_ROWS);
    for (const { id, version, entityType } of names) {
      if (version !== undefined && isV2EntityType(entityType)) hash.update(`${id}\u001f${version}\u001e`);
    }
    const last = names.at(-1);
    if (!last || names.length < SLICE_ROWS) return hash.digest('hex');
    afterId = last.id;
    await setImmediate();
  }
}
