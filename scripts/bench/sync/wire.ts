import { randomNumbers, content } from '../graph/home.ts';

/** What a phone of the benchmark knows of an entity. */
export interface Known {
  readonly id: string;
  version: string;
}

/** What a batch does: goes on from what the hub has, adds keys to an older state, or sets the same key otherwise. */
export type BatchKind = 'fast_forward' | 'merge' | 'conflict';

/** Makes the changes of one phone as they go over the wire: about 384 bytes of content each, as in LIMITS.md C5. */
export class ChangeMaker {
  readonly deviceId: string;
  readonly #userId: string;
  readonly #random = randomNumbers(7);
  #count = 0;

  constructor(deviceId: string, userId: string) {
    this.deviceId = deviceId;
    this.#userId = userId;
  }

  /** A batch of entities that nobody has yet. */
  creates(from: number, count: number): { changes: string; known: Known[] } {
    const known = Array.from({ length: count }, (_, n) => ({
      id: `01900000-0000-7000-8000-${String(from + n).padStart(12, '0')}`,
      version: '',
    }));
    return {
      changes: this.#batch(known, (entity) => this.#change('create', entity, [], this.#content())),
      known,
    };
  }

  /** A batch that edits each entity once, from the version that `known` names, which it then names no longer. */
  updates(known: readonly Known[]): string {
    return this.#batch(known, (entity) => this.#change('update', entity, [entity.version], this.#content()));
  }

  /** A batch that edits each entity from an older version; `known` goes on naming what it did. */
  late(known: readonly Known[], kind: 'merge' | 'conflict'): string {
    const changes = known.map((entity) => {
      const patch =
        kind === 'merge' ? { [`from_${this.deviceId}`]: this.#count, ...this.#note() } : this.#content();
      return this.#change('update', { ...entity }, [entity.version], patch);
    });
    return `[${changes.join(',')}]`;
  }

  #batch(known: readonly Known[], change: (entity: Known) => string): string {
    return `[${known.map(change).join(',')}]`;
  }

  #content(): object {
    return content(`lamp ${this.#count} of ${this.deviceId}`, this.#random);
  }

  /** Of a merge: another key than an edit of the whole content sets, and as long. */
  #note(): object {
    const { notes } = content('', this.#random);
    return { [`note_${this.deviceId}`]: notes };
  }

  #change(type: 'create' | 'update', entity: Known, parents: readonly string[], value: object): string {
    this.#count += 1;
    const timestamp = new Date().toISOString();
    entity.version = `${timestamp.slice(0, -1)}000+00:00-${String(this.#count).padStart(6, '0')}-${this.deviceId}`;
    return JSON.stringify({
      change_type: type,
      entity_id: entity.id,
      entity_version: entity.version,
      entity_type: 'device',
      content: value,
      timestamp,
      parent_versions: parents,
      user_id: this.#userId,
      device_id: this.deviceId,
    });
  }
}
