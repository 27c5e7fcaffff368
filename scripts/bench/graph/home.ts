import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../../../src/base/clock.ts';
import { keptValueTables } from '../../../src/base/kept-values.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Store } from '../../../src/base/store.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { graphTables } from '../../../src/graph/tables.ts';
import { HUB_AUTHOR } from '../../../src/graph/types.ts';

/** A graph on a file of its own. */
export interface GraphHome extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly store: Store;
  readonly graph: Graph;
  readonly ids: string[];
}

export async function openGraphHome(): Promise<GraphHome> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const file = join(folder, 'hub.db');
  const store = await Store.open({
    file,
    clock: systemClock,
    log: silentLogger,
    migrations: [keptValueTables, graphTables],
  });
  const graph = new Graph({ store, clock: systemClock, log: silentLogger });
  return {
    folder,
    file,
    store,
    graph,
    ids: [],
    async [Symbol.asyncDispose]() {
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The same numbers in every run. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state % below;
  };
}

const WORDS = (
  'lamp kitchen boiler valve filter switch garden heating sensor warranty battery manual remote window door cellar ' +
  'attic bathroom bedroom hallway socket fuse pump pressure temperature humidity motion curtain blind garage charger ' +
  'router speaker camera thermostat dishwasher oven fridge washer dryer vacuum mower sprinkler smoke alarm lock key'
).split(' ');

/** A text of `count` words: some are in every third document, some in one of thousands. */
export function words(count: number, random: (below: number) => number): string {
  return Array.from({ length: count }, () => {
    const word = WORDS[random(WORDS.length)] ?? '';
    return random(4) === 0 ? `${word}${random(5000)}` : word;
  }).join(' ');
}

/** About 384 bytes of JSON, as in LIMITS.md C5. */
export function content(name: string, random: (below: number) => number): Record<string, unknown> {
  return { name, notes: words(46, random).slice(0, 330), floor: random(4) };
}

/** Makes entities with one version each. */
export function addEntities(home: GraphHome, count: number, random: (below: number) => number): void {
  for (let made = 0; made < count; made += 1000) {
    home.graph.transaction((writer) => {
      for (let n = made; n < Math.min(made + 1000, count); n++) {
        const id = `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
        home.ids.push(id);
        writer.createEntity({
          id,
          entityType: n % 20 === 0 ? 'room' : 'device',
          content: content(`${words(2, random)} ${n}`, random),
          author: HUB_AUTHOR,
          sourceType: 'manual',
        });
      }
    });
  }
}

/** Edits entities at random until the graph holds `versions` rows. */
export async function addVersions(
  home: GraphHome,
  versions: number,
  random: (below: number) => number,
): Promise<void> {
  while (home.graph.committedSeq < versions) {
    home.graph.transaction((writer) => {
      for (let n = 0; n < 1000; n++) {
        const id = home.ids[random(home.ids.length)] ?? '';
        writer.replaceContent(id, content(`edited ${n}`, random), HUB_AUTHOR);
      }
    });
    await home.graph.settled();
  }
}

/** Joins entities at random. */
export function addEdges(home: GraphHome, count: number, random: (below: number) => number): void {
  const types = ['controls', 'connects_to', 'depends_on', 'documented_by', 'monitors'];
  for (let made = 0; made < count; made += 1000) {
    home.graph.transaction((writer) => {
      for (let n = made; n < Math.min(made + 1000, count); n++) {
        const from = random(home.ids.length);
        const to = (from + 1 + random(home.ids.length - 1)) % home.ids.length;
        writer.putRelationship({
          fromEntityId: home.ids[from] ?? '',
          toEntityId: home.ids[to] ?? '',
          relationshipType: types[random(types.length)] ?? 'controls',
          properties: {},
          author: HUB_AUTHOR,
        });
      }
    });
  }
}
