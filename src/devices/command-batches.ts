import type { CapabilityKind, CommandSink, SinkWrite } from './types.ts';

import { HubError } from '../base/errors.ts';

/** What a finger drags: many values in a second, of which the last counts. */
const DRAGGED: ReadonlySet<CapabilityKind> = new Set([
  'brightness',
  'color_temperature',
  'color_hs',
  'position',
  'tilt',
  'speed',
  'volume',
  'target_temperature',
  'target_temperature_high',
  'target_temperature_low',
  'target_humidity',
]);

/** How long a dragged value waits for others of the same component: two colour writes become one message. */
const WAIT_MS = 20;

interface Batch {
  readonly writes: Map<CapabilityKind, SinkWrite>;
  origin: string;
  readonly sent: PromiseWithResolvers<void>;
  readonly timer: NodeJS.Timeout;
}

/** Joins what is written to one component in a moment; a switch is never kept waiting, and takes along what waits. */
export class CommandBatches implements Disposable {
  readonly #waiting = new Map<string, Batch>();

  /** Resolves when the writes were handed to the transport, see CommandSink. @throws what the sink throws. */
  async send(
    sink: CommandSink,
    componentId: string,
    writes: readonly SinkWrite[],
    origin: string,
  ): Promise<void> {
    const batch = this.#waiting.get(componentId) ?? this.#open(sink, componentId, origin);
    batch.origin = origin;
    for (const write of writes) {
      // Put at the end again: of white and colour the later one counts.
      batch.writes.delete(write.kind);
      batch.writes.set(write.kind, write);
    }
    if (!writes.every(({ kind }) => DRAGGED.has(kind))) this.#flush(sink, componentId);
    await batch.sent.promise;
  }

  [Symbol.dispose](): void {
    for (const { timer, sent } of this.#waiting.values()) {
      clearTimeout(timer);
      sent.reject(new HubError('unavailable', 'The hub is shutting down; try again in a moment.'));
    }
    this.#waiting.clear();
  }

  #open(sink: CommandSink, componentId: string, origin: string): Batch {
    const batch: Batch = {
      writes: new Map(),
      origin,
      sent: Promise.withResolvers<void>(),
      timer: setTimeout(() => this.#flush(sink, componentId), WAIT_MS),
    };
    this.#waiting.set(componentId, batch);
    return batch;
  }

  #flush(sink: CommandSink, componentId: string): void {
    const batch = this.#waiting.get(componentId);
    if (!batch) return;
    this.#waiting.delete(componentId);
    clearTimeout(batch.timer);
    sink
      .send(componentId, [...batch.writes.values()], batch.origin)
      .then(batch.sent.resolve, batch.sent.reject);
  }
}
