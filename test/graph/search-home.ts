import type { Logger } from '../../src/base/log.ts';
import type { SearchHit } from '../../src/graph/search/types.ts';
import type { Author, Content, Moment } from '../../src/graph/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Graph } from '../../src/graph/graph.ts';
import { GraphSearch } from '../../src/graph/search/search.ts';
import { SEARCH_TABLES } from '../../src/graph/search/tables.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { openTestStore } from '../support/store.ts';

export const anna: Author = { userId: 'anna', deviceId: 'phone-1' };

const migrations = {
  owner: 'graph',
  steps: graphTables.steps.includes(SEARCH_TABLES)
    ? graphTables.steps
    : [...graphTables.steps, SEARCH_TABLES],
};

/** A graph with its search on a real file. */
export class SearchHome implements AsyncDisposable {
  readonly store: Awaited<ReturnType<typeof openTestStore>>;
  readonly clock: ManualClock;
  readonly graph: Graph;
  readonly search: GraphSearch;

  constructor(store: SearchHome['store'], clock: ManualClock, log: Logger) {
    this.store = store;
    this.clock = clock;
    this.graph = new Graph({ store, clock, log });
    const committedSeq = (): number => this.graph.committedSeq;
    this.search =
      (this.graph as Graph & { search?: GraphSearch }).search ??
      new GraphSearch({ store, log, committedSeq });
  }

  static async open(folder: string, clock = new ManualClock(), log = silentLogger): Promise<SearchHome> {
    return new SearchHome(await openTestStore(folder, [migrations], clock), clock, log);
  }

  /** Makes an entity that is found under its id. */
  put(id: string, content: Content, entityType = 'note'): void {
    this.graph.transaction((graph) =>
      graph.createEntity({ id, entityType, content, author: anna, sourceType: 'manual' }),
    );
  }

  edit(id: string, content: Content): void {
    this.graph.transaction((graph) => graph.replaceContent(id, content, anna));
  }

  delete(id: string): void {
    this.graph.transaction((graph) => graph.deleteEntity(id, anna));
  }

  /** Now, as a moment that nothing which is done later belongs to. What is done in one millisecond is some us apart. */
  moment(): Moment {
    const moment = { micros: this.clock.nowMs() * 1000 + 999, seq: this.graph.committedSeq };
    this.clock.advance(1000);
    return moment;
  }

  async hits(q: string, rest: { entityTypes?: string[]; moment?: Moment } = {}): Promise<SearchHit[]> {
    const page = await this.search.search({ q, limit: 500, ...rest });
    return [...page.items];
  }

  /** The ids that are found, best first. */
  async ids(q: string, rest: { entityTypes?: string[]; moment?: Moment } = {}): Promise<string[]> {
    return (await this.hits(q, rest)).map(({ entity }) => entity.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.search[Symbol.dispose]();
    this.graph[Symbol.dispose]();
    await this.store[Symbol.asyncDispose]();
  }
}
