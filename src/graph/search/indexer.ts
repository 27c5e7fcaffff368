import { setImmediate } from 'node:timers/promises';

import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { IndexedEntity } from './writer.ts';

import { HubError } from '../../base/errors.ts';
import { readMaxKeys } from '../history-reader.ts';
import { Pacer } from './pacer.ts';
import {
  type Pending,
  readCurrentContent,
  readPendingAmong,
  readPendingNear,
  readSearchState,
} from './reader.ts';
import { searchWords } from './texts.ts';
import { WORD_FORMAT } from './tokens.ts';
import { mergeIndex, resetIndex, writeIndexed } from './writer.ts';

export interface IndexerOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly committedSeq: () => number;
}

/** A slice, which is one transaction, ends with the first of these that it reaches; a single entity may go beyond. */
const SLICE_ENTITIES = 50;
const SLICE_CHARS = 64 * 1024;
const SLICE_MS = 3;
/** Leaves of the index that are joined in one transaction. */
const MERGE_PAGES = 8;
/** An index that is this near to the head looks through the versions in between, else through all entities. */
const NEAR_SEQS = 2000;
const WINDOW_KEYS = 2000;
/**
 * What nobody searches for is indexed this long after the first change. A search catches up by itself, and the more
 * changes are indexed together, the less the card is worn: alone an entity costs three times what it does among twenty.
 */
const QUIET_MS = 300_000;

/**
 * Brings the full-text index up to the graph: when somebody searches, else a while after a change. Never a part of the
 * transaction that makes the change, whose acknowledgement would wait for it.
 */
export class Indexer implements Disposable {
  readonly #options: IndexerOptions;
  /** Everything up to here is in the index; undefined before the first look into the file. */
  #indexedSeq: number | undefined;
  /** The run that is under way; false where the disk refused. */
  #run: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refused = false;
  /** False while the index may consist of more pieces than is good. */
  #merged = false;
  #disposed = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
  }

  /** To be called when the graph has changed, or may have while nobody looked: indexes after a while. */
  noteCommit(): void {
    if (this.#disposed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.tidy();
    }, QUIET_MS).unref();
  }

  /**
   * Resolves when everything that was committed before the call is in the index, or the disk refused: `pending` tells
   * what is missing then. Concurrent calls share one run.
   */
  async catchUp(): Promise<void> {
    const wanted = this.#options.committedSeq();
    while (!this.#disposed && (this.#indexedSeq ?? -1) < wanted) {
      this.#run ??= this.#index().finally(() => {
        this.#run = undefined;
      });
      if (!(await this.#run)) return;
    }
  }

  /** Catches up and joins the pieces of the index that have gathered. Never rejects. */
  async tidy(): Promise<void> {
    try {
      await this.catchUp();
      await this.#merge();
    } catch (error) {
      if (this.#disposed) return;
      this.#options.log.warn({ err: error }, 'the search index could not be brought up to date');
    }
  }

  /** Entities that changed since they were indexed, by internal key; nearly always none after `catchUp`. */
  async pending(): Promise<number[]> {
    const found = await this.#pending(this.#indexedSeq ?? this.#usableSeq(), this.#options.committedSeq());
    return found.map(({ key }) => key);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  /** One run, up to what is committed at its beginning. @returns false when the disk refused. */
  async #index(): Promise<boolean> {
    const { committedSeq, log } = this.#options;
    try {
      const untilSeq = committedSeq();
      this.#indexedSeq ??= this.#open();
      const isFar = untilSeq - this.#indexedSeq > NEAR_SEQS;
      const pending = await this.#pending(this.#indexedSeq, untilSeq);
      for (let at = 0; at < pending.length && !this.#disposed;) {
        at = this.#slice(pending, at);
        if (at === pending.length) break;
        await setImmediate();
        // A long run leaves hundreds of pieces, of which each search would have to ask every one.
        if (isFar) await this.#merge();
      }
      // Edges and superseded versions need no work: they are passed over without a write.
      if (!this.#disposed) this.#indexedSeq = untilSeq;
      this.#refused = false;
      return true;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      // Once is enough: each search tries again.
      if (!this.#disposed && !this.#refused) {
        log.warn({ err: error }, 'the search index falls behind; searches read what it does not have');
      }
      this.#refused = true;
      return false;
    }
  }

  /** How far the index in the file is, which is emptied first where other words were put into it. */
  #open(): number {
    const { store } = this.#options;
    const isOld = readSearchState(store.db).format !== WORD_FORMAT;
    if (isOld) store.write((tx) => resetIndex(tx, WORD_FORMAT));
    return this.#usableSeq();
  }

  /** How far the index in the file can be used. */
  #usableSeq(): number {
    const { indexedSeq, format } = readSearchState(this.#options.store.db);
    return format === WORD_FORMAT ? indexedSeq : 0;
  }

  async #pending(afterSeq: number, untilSeq: number): Promise<Pending[]> {
    const { db } = this.#options.store;
    if (untilSeq - afterSeq <= NEAR_SEQS) return readPendingNear(db, afterSeq, untilSeq);
    const found: Pending[] = [];
    const maxKey = readMaxKeys(db).entity;
    const pacer = new Pacer(SLICE_MS);
    for (let key = 0; key < maxKey && !this.#disposed; key += WINDOW_KEYS) {
      if (pacer.isDue) await pacer.rest();
      found.push(...readPendingAmong(db, key, key + WINDOW_KEYS, afterSeq));
    }
    return found.sort((a, b) => a.seq - b.seq);
  }

  /** Indexes some of what is pending and returns where the next slice begins. */
  #slice(pending: readonly Pending[], from: number): number {
    const { store } = this.#options;
    const pacer = new Pacer(SLICE_MS);
    const entities: IndexedEntity[] = [];
    let chars = 0;
    let at = from;
    for (; at < pending.length && entities.length < SLICE_ENTITIES && chars < SLICE_CHARS; at++) {
      const key = pending[at]?.key;
      if (key === undefined || (pacer.isDue && at > from)) break;
      // It may have changed again since: then the index is ahead of its seq here, and gets the same once more later.
      const { entityType = '', contentJson = null } = readCurrentContent(store.db, key) ?? {};
      entities.push({ key, entityType, words: contentJson === null ? undefined : searchWords(contentJson) });
      chars += contentJson?.length ?? 0;
    }
    const indexedSeq = pending[at - 1]?.seq ?? 0;
    store.write((tx) => writeIndexed(tx, entities, indexedSeq));
    this.#indexedSeq = indexedSeq;
    this.#merged = false;
    return at;
  }

  async #merge(): Promise<void> {
    const { store } = this.#options;
    while (!this.#disposed && !this.#merged) {
      this.#merged = !store.write((tx) => mergeIndex(tx, MERGE_PAGES));
      if (!this.#merged) await setImmediate();
    }
  }
}
