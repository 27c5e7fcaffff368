import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { Graph } from '../graph/graph.ts';

/** Rows per turn of the event loop, about a millisecond's work. */
const SLICE_ROWS = 500;

/** The digest of the graph's state (PROTOCOL.md 2.2), computed a slice at a time and kept until the graph moves. */
export class GraphDigest {
  readonly #graph: Graph;
  #cached: { seq: number; hex: string } | undefined;
  #running: { seq: number; result: Promise<string | null> } | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The digest of the state at `seq`, or null when the graph has moved on or does so while it is read. */
  async at(seq: number): Promise<string | null> {
    if (this.#cached?.seq === seq) return this.#cached.hex;
    if (this.#graph.committedSeq !== seq) return null;
    if (this.#running?.seq !== seq) this.#running = { seq, result: this.#compute(seq) };
    return await this.#running.result;
  }

  async #compute(seq: number): Promise<string | null> {
    const hash = createHash('sha256');
    let afterId = '';
    for (;;) {
      if (this.#graph.committedSeq !== seq) return null;
      const rows = this.#graph.currentVersions(afterId, SLICE_ROWS);
      for (const { id, version } of rows) hash.update(`${id}\u001f${version}\u001e`);
      const last = rows.at(-1);
      if (!last || rows.length < SLICE_ROWS) break;
      afterId = last.id;
      await setImmediate();
    }
    this.#cached = { seq, hex: hash.digest('hex') };
    return this.#cached.hex;
  }
}
