import type { Db } from '../../base/db.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { EntityVersion, Moment, Page } from '../types.ts';
import type { SearchHit, SearchOptions } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { readByKeyAt, readByKeys, readEntities } from '../entity-reader.ts';
import { readMaxKeys } from '../history-reader.ts';
import { makeListCursor, parseListCursor } from '../list-cursor.ts';
import { parseContent } from '../wire.ts';
import { highlight } from './highlights.ts';
import { Indexer } from './indexer.ts';
import { matchWords } from './match.ts';
import { Pacer } from './pacer.ts';
import { parseQuery, type Query, toFtsQuery } from './query.ts';
import { countMatches, readNewestKeys, readRanked } from './reader.ts';
import { searchWords } from './texts.ts';

/** How deep one may page: who has not found it by then had better type another word. */
export const MAX_RESULTS = 1000;
/** How many keys `matchingKeys` brings at most: those of the entities that the hub met last. */
export const MAX_MATCHING_KEYS = 20_000;
/** More matches than this are not ranked one against another: the rank of a word that is everywhere says nothing. */
const MAX_RANKED = 1000;
/** The rank of what is not ranked. */
const UNRANKED = 0.5;
/** Matches that are looked through for those among some entities. */
const MAX_LOOKED_THROUGH = 100_000;
/** The event loop is given way to after about this long. */
const TURN_MS = 5;
/** Entities of the past that are read at once. */
const WINDOW_KEYS = 100;

interface Found {
  readonly key: number;
  readonly inName: boolean;
  /** 0 to 1. */
  readonly rank: number;
}

/**
 * Full-text search over names and contents, of the present by an index that catches up first, of the past by reading. Any
 * text may be searched for; one without a word finds nothing.
 */
export class GraphSearch implements Disposable {
  readonly #db: Db;
  readonly #indexer: Indexer;
  #disposed = false;

  constructor(options: { store: Store; log: Logger; committedSeq: () => number }) {
    this.#db = options.store.db;
    this.#indexer = new Indexer(options);
  }

  /** To be called after every commit, and once at the start: what changed is indexed when nobody searches for it. */
  noteCommit(): void {
    this.#indexer.noteCommit();
  }

  /** Brings the index up to date now, as is done by itself a while after a change. */
  async tidy(): Promise<void> {
    await this.#indexer.tidy();
  }

  /**
   * The best matches first: those of the name before all others, then by rank, then what the hub met last. Everything
   * that was committed before the call is found, also while the disk takes no writes. MAX_RESULTS can be paged through.
   * @throws HubError `invalid` when the cursor is not one of ours, `unavailable` when the hub stops meanwhile.
   */
  async search(options: SearchOptions): Promise<Page<SearchHit>> {
    const { q, entityTypes, limit, cursor, moment, within } = options;
    const [offset = 0] = cursor === undefined ? [] : parseListCursor('q', cursor, 1);
    const query = parseQuery(q);
    if (query.length === 0 || offset >= MAX_RESULTS) return { items: [], nextCursor: null };
    const end = Math.min(offset + limit, MAX_RESULTS);
    const found = moment
      ? await this.#inPast(query, entityTypes, moment)
      : await this.#inPresent(query, entityTypes, end + 1, within);
    const page = found.slice(offset, end);
    return {
      items: await this.#toHits(page, query, moment),
      nextCursor: found.length > end && end < MAX_RESULTS ? makeListCursor('q', end) : null,
    };
  }

  /**
   * The internal keys of what matches, for `EntityFilter.keys`, in no particular order: at most MAX_MATCHING_KEYS.
   * @throws HubError `unavailable` when the hub stops meanwhile.
   */
  async matchingKeys(q: string, moment?: Moment): Promise<number[]> {
    const query = parseQuery(q);
    if (query.length === 0) return [];
    const keysOf = (found: readonly Found[]): number[] => found.map(({ key }) => key);
    if (moment) {
      const found = keysOf(await this.#inPast(query, undefined, moment));
      return found.sort((a, b) => b - a).slice(0, MAX_MATCHING_KEYS);
    }
    const fresh = await this.#unindexed(query, undefined);
    const anywhere = toFtsQuery(query, 'name body', undefined);
    const indexed = anywhere === undefined ? [] : readNewestKeys(this.#db, anywhere, MAX_MATCHING_KEYS);
    const keys = [...keysOf(fresh.found), ...indexed.filter((key) => !fresh.keys.has(key))];
    return keys.slice(0, MAX_MATCHING_KEYS);
  }

  /** What runs ends by itself, with `unavailable` for whoever waits. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#indexer[Symbol.dispose]();
  }

  /** At least the first `limit` matches of the present, best first, where there are so many. */
  async #inPresent(
    query: Query,
    types: readonly string[] | undefined,
    limit: number,
    within: SearchOptions['within'],
  ): Promise<Found[]> {
    const fresh = await this.#unindexed(query, types);
    // From here on there is one turn of the event loop.
    const inName = toFtsQuery(query, 'name', types);
    const anywhere = toFtsQuery(query, 'name body', types);
    if (within) {
      const keys = new Set(within());
      const some =
        inName === undefined || anywhere === undefined ? [] : this.#newestAmong(keys, inName, anywhere);
      const found = [...fresh.found, ...some.filter(({ key }) => !fresh.keys.has(key))];
      return inOrder(found.filter(({ key }) => keys.has(key)).map((one) => ({ ...one, rank: UNRANKED })));
    }
    if (inName === undefined || anywhere === undefined) return inOrder([...fresh.found]);
    const isBroad = countMatches(this.#db, anywhere, MAX_RANKED + 1) > MAX_RANKED;
    const indexed = isBroad
      ? this.#newest(inName, anywhere, limit + fresh.keys.size)
      : this.#ranked(inName, anywhere);
    return inOrder([...fresh.found, ...indexed.filter(({ key }) => !fresh.keys.has(key))]);
  }

  #ranked(inName: string, anywhere: string): Found[] {
    const named = new Set(readNewestKeys(this.#db, inName, MAX_RANKED));
    return readRanked(this.#db, anywhere, MAX_RANKED).map(({ key, bm25 }) => ({
      key,
      inName: named.has(key),
      // bm25 is below 0, and the better the lower.
      rank: bm25 / (bm25 - 1),
    }));
  }

  /** The first of many matches, by when the hub met them. */
  #newest(inName: string, anywhere: string, limit: number): Found[] {
    const named = new Set(readNewestKeys(this.#db, inName, limit));
    const keys = [...named];
    if (named.size < limit) {
      const all = readNewestKeys(this.#db, anywhere, limit + named.size);
      keys.push(...all.filter((key) => !named.has(key)));
    }
    return keys.map((key) => ({ key, inName: named.has(key), rank: UNRANKED }));
  }

  /** All matches among some entities. They are not ranked: a rank would tell how many others hold the word. */
  #newestAmong(keys: ReadonlySet<number>, inName: string, anywhere: string): Found[] {
    const among = (match: string): number[] =>
      readNewestKeys(this.#db, match, MAX_LOOKED_THROUGH).filter((key) => keys.has(key));
    const named = new Set(among(inName));
    return among(anywhere).map((key) => ({ key, inName: named.has(key), rank: UNRANKED }));
  }

  /** Lets the index catch up; what it does not have is matched by reading. The index is not to be asked about `keys`. */
  async #unindexed(
    query: Query,
    types: readonly string[] | undefined,
  ): Promise<{ keys: ReadonlySet<number>; found: readonly Found[] }> {
    await this.#indexer.catchUp();
    this.#checkOpen();
    const keys = await this.#indexer.pending();
    const found: Found[] = [];
    const pacer = new Pacer(TURN_MS);
    for (const key of keys) {
      if (pacer.isDue) await pacer.rest();
      this.#checkOpen();
      const entity = readByKeys(this.#db, [key]).get(key);
      if (entity) found.push(...toFound(key, entity, query, types));
    }
    this.#checkOpen();
    return { keys: new Set(keys), found };
  }

  async #inPast(query: Query, types: readonly string[] | undefined, moment: Moment): Promise<Found[]> {
    this.#checkOpen();
    const found: Found[] = [];
    const maxKey = readMaxKeys(this.#db).entity;
    const pacer = new Pacer(TURN_MS);
    for (let after = 0; after < maxKey; after += WINDOW_KEYS) {
      const rows = readEntities(this.#db, { untilKey: after + WINDOW_KEYS }, after, WINDOW_KEYS, moment);
      for (const { key, entity } of rows) {
        found.push(...toFound(key, entity, query, types));
        if (!pacer.isDue) continue;
        await pacer.rest();
        this.#checkOpen();
      }
    }
    // To sort tens of thousands is a turn of its own.
    await pacer.rest();
    this.#checkOpen();
    return inOrder(found);
  }

  async #toHits(page: readonly Found[], query: Query, moment: Moment | undefined): Promise<SearchHit[]> {
    const keys = page.map(({ key }) => key);
    // All at once: what follows may give way to a deletion.
    const entities = moment
      ? new Map(keys.map((key) => [key, readByKeyAt(this.#db, key, moment)]))
      : readByKeys(this.#db, keys);
    const hits: SearchHit[] = [];
    const pacer = new Pacer(TURN_MS);
    for (const { key, inName, rank } of page) {
      if (pacer.isDue) await pacer.rest();
      const entity = entities.get(key);
      if (!entity) continue;
      hits.push({
        entity,
        score: inName ? 0.5 + rank / 2 : rank / 2,
        matchedIn: inName ? 'name' : 'content',
        highlights: highlight(parseContent(entity), query),
      });
    }
    return hits;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new HubError('unavailable', 'The hub is shutting down; try again in a moment.');
  }
}

/** The entity if it matches, as a list of one or none. Its rank is how much of its text was searched for. */
function toFound(
  key: number,
  entity: EntityVersion,
  query: Query,
  types: readonly string[] | undefined,
): Found[] {
  if (entity.contentJson === null || (types && !types.includes(entity.entityType))) return [];
  const match = matchWords(query, searchWords(entity.contentJson));
  return match ? [{ key, inName: match.inName, rank: match.share }] : [];
}

function inOrder(found: Found[]): Found[] {
  return found.sort((a, b) => Number(b.inName) - Number(a.inName) || b.rank - a.rank || b.key - a.key);
}
