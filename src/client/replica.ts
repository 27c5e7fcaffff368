import type { Edit, Stamp } from './edits.ts';
import type { LocalStore } from './store.ts';
import type {
  EntityWireChange,
  Kind,
  LocalChange,
  Meta,
  PendingChange,
  RelationshipWireChange,
  Report,
  Row,
  VersionMark,
} from './types.ts';
import type { SyncAnswer } from './wire.ts';

import { commitOn, StoreMoved } from './commit.ts';
import { graphDigest } from './digest.ts';
import { Draft, hubRowOf } from './draft.ts';
import { ClientError } from './errors.ts';
import { acceptRow, finishResync, keepBases, outcomeOf, settleChange } from './rules.ts';
import { Serial } from './serial.ts';
import { nextVersion } from './versions.ts';
import { parseCursor, repairChange } from './wire.ts';

/** Of one request (PROTOCOL.md section 2): more changes are refused, more bytes hold up a small hub. */
const MAX_CHANGES = 1000;
const MAX_CHARACTERS = 1024 * 1024;
/** A step is done anew this often when others write to the store, each time from what is there then. */
const MAX_REDONE = 10;

export interface ReplicaOptions {
  readonly store: LocalStore;
  /** Used when the store is new. */
  readonly deviceId: string;
  readonly nowMs: () => number;
  /** Told what changed, once it is stored. */
  readonly onChange: (changes: readonly LocalChange[]) => void;
  readonly onReport: (report: Report) => void;
}

/** What an answer changed. */
export interface Taken {
  readonly applied: number;
  readonly reports: readonly Report[];
}

/** A row that came live, and the cursor of whoever has seen everything up to it. */
export interface Fact {
  readonly row: Row;
  readonly cursor: string;
}

/**
 * This phone's copy of the home: rows, cursor and queue, kept in a store. It knows the rules of PROTOCOL.md 2.2 and no
 * network. Each step is one batch of the store; steps never overlap. A step that the store refuses, because another
 * client has written to it meanwhile, is done anew.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #steps = new Serial();
  #meta: Meta;
  /** Never goes back, not even when a batch could not be stored. */
  #lastVersion: Meta['lastVersion'];

  private constructor(options: ReplicaOptions, meta: Meta) {
    this.#options = options;
    this.#meta = meta;
    this.#lastVersion = meta.lastVersion;
  }

  static async open(options: ReplicaOptions): Promise<Replica> {
    return new Replica(options, await readMeta(options.store, options.deviceId));
  }

  get meta(): Meta {
    return this.#meta;
  }

  get cursor(): string | undefined {
    return this.#meta.vectorClock['server'];
  }

  /** What the person sees of it. */
  async row(kind: Kind, id: string): Promise<Row | null> {
    return (await this.#options.store.held(kind, id))?.row ?? null;
  }

  async rows(kind: Kind): Promise<Row[]> {
    const held = await this.#options.store.list(kind);
    return held.flatMap(({ row }) => (row === null ? [] : [row]));
  }

  /** In the order in which they were made. */
  async pending(): Promise<readonly PendingChange[]> {
    return await this.#options.store.pending();
  }

  async reports(): Promise<readonly Report[]> {
    return await this.#options.store.reports();
  }

  async dismiss(version: string): Promise<void> {
    await this.#step(async () => {
      this.#meta = await commitOn(this.#options.store, this.#meta, {
        meta: this.#meta,
        dismissed: [version],
      });
    });
  }

  /** Makes an edit with `make` out of what the person sees, shows it at once and queues it. */
  async edit<R extends Row, C extends EntityWireChange | RelationshipWireChange>(
    kind: R['kind'],
    id: string,
    make: (before: Row | null, stamp: Stamp) => Edit<R, C>,
  ): Promise<R> {
    return await this.#step(async () => {
      const draft = Draft.forEdit(this.#options.store, this.#meta);
      const held = await draft.held(kind, id);
      const { deviceId, userId } = this.#meta;
      const parents = held.row === null ? [] : [held.row.version];
      const nowMs = this.#options.nowMs();
      const { version, time, mark } = nextVersion(this.#lastVersion, { nowMs, author: deviceId, parents });
      this.#lastVersion = mark;
      const edit = make(held.row, { version, time, deviceId, userId });
      draft.queue(held, edit);
      draft.meta = { ...draft.meta, lastVersion: mark };
      await this.#commit(draft, 'local');
      return edit.row;
    });
  }

  /** @throws ClientError `other_user` when the store holds another user's edits. */
  async setUser(userId: string): Promise<void> {
    await this.#step(async () => {
      const known = this.#meta.userId;
      if (known === userId) return;
      if (known !== null) {
        throw new ClientError(
          'other_user',
          `this store belongs to the user ${known}; open another one for the user ${userId}`,
        );
      }
      this.#meta = await commitOn(this.#options.store, this.#meta, { meta: { ...this.#meta, userId } });
    });
  }

  /**
   * The changes to be sent next, at most `limit`: what the hub lost first, then edits in their order. Empty while
   * everything is being pulled.
   */
  async batch(limit = MAX_CHANGES): Promise<PendingChange[]> {
    if (this.#meta.resyncing) return [];
    const waiting = [...(await this.pending())].sort((a, b) => rank(a) - rank(b) || a.order - b.order);
    const batch: PendingChange[] = [];
    const owners = new Map<string, string>();
    let characters = 0;
    for (const pending of waiting) {
      const change = pending.repair ? await this.#reworded(pending) : pending;
      characters += JSON.stringify(change.change).length;
      const owner = owners.get(change.version) ?? change.id;
      // Versions of others may repeat from one thing to the next; one request must not hold both.
      if (batch.length >= limit || owner !== change.id) break;
      if (characters > MAX_CHARACTERS && batch.length > 0) break;
      owners.set(change.version, change.id);
      batch.push(change);
    }
    return batch;
  }

  /**
   * Takes an answer over: what became of `sent`, the rows, the clock, in one batch.
   * @param asked what `meta` was when the hub was asked
   * @throws ClientError `protocol` when it does not say what became of each change, `shared_store` when another client
   * has pulled meanwhile, which the answer may be older than; nothing is taken over then.
   */
  async take(answer: SyncAnswer, sent: readonly PendingChange[], asked: Meta): Promise<Taken> {
    return await this.#step(async () => {
      if (
        asked.generation !== this.#meta.generation ||
        asked.vectorClock['server'] !== this.#meta.vectorClock['server']
      ) {
        throw sharedError();
      }
      const outcomes = sent.map((change) => ({ change, outcome: outcomeOf(change, answer) }));
      const draft = await Draft.begin(this.#options.store, this.#meta);
      if (answer.resync) {
        draft.meta = { ...draft.meta, generation: draft.meta.generation + 1, resyncing: true };
        await keepBases(draft, sent);
      }
      for (const { change, outcome } of outcomes) {
        if (!outcome) {
          throw new ClientError('protocol', `the hub did not say what became of ${change.version}`);
        }
        await settleChange(draft, change, outcome);
      }
      for (const row of answer.rows) await acceptRow(draft, row);
      draft.meta = { ...draft.meta, vectorClock: answer.vectorClock };
      if (draft.meta.resyncing && !answer.hasMore) await finishResync(draft);
      await this.#commit(draft, 'hub');
      const applied = outcomes.filter(({ outcome }) => outcome?.kind === 'applied').length;
      return { applied, reports: draft.reports };
    });
  }

  /** The hub finds a change malformed and would each time: it goes out of the queue and into a report. */
  async reject(change: PendingChange, code: string, message: string): Promise<Report | undefined> {
    return await this.#step(async () => {
      const draft = await Draft.begin(this.#options.store, this.#meta);
      await settleChange(draft, change, { kind: 'rejected', code, message, conflictId: null });
      await this.#commit(draft, 'hub');
      return draft.reports[0];
    });
  }

  /**
   * Takes over rows that came live, in order and without a gap since the cursor: those that an answer has told are
   * skipped, the others move the cursor. Returns false when they belong to another life of the hub's graph.
   */
  async takeFacts(facts: readonly Fact[]): Promise<boolean> {
    return await this.#step(async () => {
      const draft = await Draft.begin(this.#options.store, this.#meta);
      for (const { row, cursor } of facts) {
        const own = parseCursor(draft.meta.vectorClock['server']);
        const theirs = parseCursor(cursor);
        if (!own || theirs?.epoch !== own.epoch) return false;
        if (theirs.seq <= own.seq) continue;
        await acceptRow(draft, row);
        draft.meta = { ...draft.meta, vectorClock: { ...draft.meta.vectorClock, server: cursor } };
      }
      if (draft.meta !== this.#meta) await this.#commit(draft, 'hub');
      return true;
    });
  }

  /** The digest of what the hub was last heard to have. */
  async digest(): Promise<string> {
    const entities = await this.#options.store.list('entity');
    const current = entities.map(hubRowOf).filter((row) => row?.kind === 'entity' && !row.deleted);
    return graphDigest(current.filter((row) => row !== null));
  }

  /** Forgets the cursor, so that everything is pulled from zero; rows and queue stay. */
  async startOver(repairedAtMs = this.#meta.repairedAtMs): Promise<void> {
    await this.#step(async () => {
      const { server: _, ...vectorClock } = this.#meta.vectorClock;
      const generation = this.#meta.generation + 1;
      const meta = { ...this.#meta, vectorClock, generation, resyncing: true, repairedAtMs };
      this.#meta = await commitOn(this.#options.store, this.#meta, { meta });
    });
  }

  async #reworded(pending: PendingChange): Promise<PendingChange> {
    const held = await this.#options.store.held(pending.kind, pending.id);
    return { ...pending, change: repairChange(pending.row, held ? hubRowOf(held) : null) };
  }

  /** Runs a step when the ones before have ended, and anew, from what the store holds, when the store refuses it. */
  async #step<T>(task: () => Promise<T>): Promise<T> {
    return await this.#steps.run(async () => {
      for (let redone = 0; ; redone++) {
        try {
          return await task();
        } catch (error) {
          if (!(error instanceof StoreMoved)) throw error;
          this.#meta = await readMeta(this.#options.store, this.#meta.deviceId);
          this.#lastVersion = laterOf(this.#lastVersion, this.#meta.lastVersion);
          if (redone === MAX_REDONE) throw sharedError();
        }
      }
    });
  }

  async #commit(draft: Draft, origin: LocalChange['origin']): Promise<void> {
    const changes = await draft.commit(origin);
    this.#meta = draft.meta;
    if (changes.length > 0) this.#options.onChange(changes);
    for (const report of draft.reports) this.#options.onReport(report);
  }
}

/** Entities that the hub lost, relationships that it lost, edits. */
function rank({ repair, kind }: PendingChange): number {
  if (!repair) return 2;
  return kind === 'entity' ? 0 : 1;
}

async function readMeta(store: LocalStore, deviceId: string): Promise<Meta> {
  const stored = await store.meta();
  return {
    revision: 0,
    deviceId,
    userId: null,
    vectorClock: {},
    generation: 0,
    resyncing: false,
    nextOrder: 0,
    lastVersion: { micros: 0, counter: 0 },
    repairedAtMs: 0,
    ...stored,
  };
}

function laterOf(a: VersionMark, b: VersionMark): VersionMark {
  return a.micros > b.micros || (a.micros === b.micros && a.counter > b.counter) ? a : b;
}

function sharedError(): ClientError {
  return new ClientError(
    'shared_store',
    'two programs (or two tabs) use this store at the same time; one of them has to close it',
  );
}
