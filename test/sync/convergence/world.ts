import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';

import type { TestClient } from './clients.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { HubError } from '../../../src/base/errors.ts';
import { jsonEqual } from '../../../src/base/json.ts';
import { parseContent } from '../../../src/graph/graph.ts';
import { RESOLUTIONS, type Resolution } from '../../../src/sync/types.ts';
import { openSyncHome, principal, type SyncHome } from '../sync-home.ts';
import { LibraryClient, OldV2Client, PlainV1Client } from './clients.ts';
import { FAULTS, Network, type Fault } from './network.ts';

export const CLIENT_KINDS = ['library', 'plain', 'v2', 'shouting v2'] as const;

/** One thing that happens. `who` is taken modulo the clients, `what` modulo the things. */
export type Action =
  | {
      readonly do: 'create' | 'update' | 'delete' | 'move';
      readonly who: number;
      readonly what: number;
      readonly value: number;
    }
  | { readonly do: 'sync'; readonly who: number; readonly faults: readonly Fault[] }
  | { readonly do: 'restart' | 'deliver' | 'skew'; readonly who: number; readonly value: number }
  /** Somebody at the hub's API edits a thing, or decides a conflict. */
  | { readonly do: 'edit at hub' | 'resolve'; readonly what: number; readonly value: number }
  | { readonly do: 'crash' | 'backup' | 'restore' };

const who = fc.nat(5);

export const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: edit('create') },
    { weight: 10, arbitrary: edit('update') },
    { weight: 3, arbitrary: edit('delete') },
    { weight: 3, arbitrary: edit('move') },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant('sync' as const),
        who,
        faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 3 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('edit at hub' as const, 'resolve' as const),
        what: fc.nat(7),
        value: fc.nat(4),
      }),
    },
    { weight: 1, arbitrary: person('restart') },
    { weight: 2, arbitrary: person('deliver') },
    { weight: 2, arbitrary: person('skew') },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'backup' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
  ),
  { minLength: 10, maxLength: 70 },
);

function edit<Do extends 'create' | 'update' | 'delete' | 'move'>(what: Do): fc.Arbitrary<Action> {
  return fc.record({ do: fc.constant(what), who, what: fc.nat(7), value: fc.nat(4) });
}

function person<Do extends 'restart' | 'deliver' | 'skew'>(what: Do): fc.Arbitrary<Action> {
  return fc.record({ do: fc.constant(what), who, value: fc.nat(9) });
}

const HOUR_MS = 3600_000;
const ROUNDS = 14;

/** A hub, its clients and a bad network, with a memory of everything that was promised. */
export class World implements AsyncDisposable {
  readonly clients: TestClient[] = [];
  readonly network: Network;
  readonly #folder: string;
  readonly #clock: ManualClock;
  readonly #skewMs = new Map<number, number>();
  #backups = 0;
  #hasBackup = false;
  #restores = 0;
  /** Edits that were told before a restore and that no client can bring back, as `id\nversion`. */
  readonly #lost = new Set<string>();

  private constructor(folder: string, home: SyncHome, clock: ManualClock) {
    this.#folder = folder;
    this.#clock = clock;
    this.network = new Network(home);
  }

  static async open(folder: string, kinds: readonly (typeof CLIENT_KINDS)[number][]): Promise<World> {
    const clock = new ManualClock();
    mkdirSync(join(folder, 'data'));
    const world = new World(folder, await openSyncHome(join(folder, 'data'), clock), clock);
    for (const [index, kind] of kinds.entries()) {
      const setting = {
        network: world.network,
        name: `client-${index}`,
        user: index % 2 === 0 ? 'anna' : 'ben',
        nowMs: () => clock.nowMs() + (world.#skewMs.get(index) ?? 0),
      };
      if (kind === 'library') world.clients.push(await LibraryClient.open(setting));
      else if (kind === 'plain') world.clients.push(new PlainV1Client(setting));
      else world.clients.push(new OldV2Client(setting, kind === 'shouting v2'));
    }
    return world;
  }

  get home(): SyncHome {
    return this.network.home;
  }

  async run(action: Action): Promise<void> {
    this.#clock.advance(700);
    switch (action.do) {
      case 'create':
      case 'update':
      case 'delete':
      case 'move':
        await this.#edit(action.do, action);
        return;
      case 'sync':
        await this.sync(this.#client(action.who), action.faults);
        return;
      case 'restart':
        await this.#client(action.who).restart();
        return;
      case 'deliver':
        // What a late request is refused for, nobody hears.
        await this.network.deliverLate(action.value).catch(() => undefined);
        return;
      case 'skew':
        this.#skewMs.set(action.who % this.clients.length, (action.value - 5) * HOUR_MS);
        return;
      case 'edit at hub':
        await this.#editAtHub(action.what, action.value);
        return;
      case 'resolve':
        await this.#resolve(action.what, action.value);
        return;
      case 'crash':
        await this.#reopen();
        return;
      case 'backup':
        await this.#backup();
        return;
      case 'restore':
        await this.#restore();
    }
  }

  /** Any failure is the network's; the client tries again another time. */
  async sync(client: TestClient, faults: readonly Fault[] = []): Promise<boolean> {
    this.network.faults = [...faults];
    try {
      await client.sync();
      return true;
    } catch {
      return false;
    } finally {
      this.network.faults = [];
    }
  }

  /** Everybody syncs over a good network until nothing moves any more. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let round = 0; round < ROUNDS && quiet < 2; round++) {
      const before = this.home.graph.committedSeq;
      for (const client of this.clients) {
        this.#clock.advance(60_000);
        await client.sync();
      }
      const pending = await Promise.all(this.clients.map(async (client) => await client.pending()));
      quiet = this.home.graph.committedSeq === before && pending.every((n) => n === 0) ? quiet + 1 : 0;
    }
    if (quiet < 2) throw new Error(`still moving after ${ROUNDS} rounds`);
  }

  /** What is wrong, in words; empty when all is well. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    const { graph } = this.home;
    const hub = new Map(
      graph
        .list({}, 500)
        .items.map((entity) => [entity.id, { version: entity.version, content: parseContent(entity) }]),
    );
    for (const [index, client] of this.clients.entries()) {
      const state = await client.state();
      const name = `client ${index} (${client.protocol})`;
      for (const id of new Set([...hub.keys(), ...state.keys()])) {
        const ours = hub.get(id);
        const theirs = state.get(id);
        if (jsonEqual(ours, theirs)) continue;
        faults.push(`${name} holds ${id} as ${JSON.stringify(theirs)}, the hub as ${JSON.stringify(ours)}`);
      }
      if (client instanceof LibraryClient) {
        const edges = Object.fromEntries(await client.edges());
        const kept = Object.fromEntries(
          graph.relationships({}, 500).items.map(({ id, version }) => [id, version]),
        );
        if (!jsonEqual(edges, kept)) faults.push(`${name} holds other relationships`);
      }
    }
    for (const { id, version, isDelete } of this.network.acked) {
      if (isDelete || this.#lost.has(`${id}\n${version}`)) continue;
      if (!graph.version(id, version)) faults.push(`the acked version ${version} of ${id} is gone`);
    }
    faults.push(...this.#unreadableLosers());
    return faults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home[Symbol.asyncDispose]();
  }

  /** Each version that is not and was not the state is in a conflict, or went into the state, or lost by v2's rule. */
  #unreadableLosers(): string[] {
    const { graph, store } = this.home;
    const inConflict = new Set(
      store.db
        .all<{ lost_versions: string }>('SELECT lost_versions FROM sync_conflict')
        .flatMap((row) => JSON.parse(row.lost_versions) as string[]),
    );
    const faults: string[] = [];
    for (const { id } of store.db.all<{ id: string }>('SELECT id FROM entity')) {
      const versions = graph.versions(id);
      const parents = new Set(versions.flatMap((version) => version.parentVersions));
      for (const { version, heldAs, userId } of versions) {
        if (heldAs === 'state' || inConflict.has(version) || parents.has(version)) continue;
        if (userId !== 'client-user') faults.push(`${version} of ${id} lost, and nobody is told`);
      }
    }
    return faults;
  }

  #client(index: number): TestClient {
    return this.clients[index % this.clients.length] as TestClient;
  }

  async #edit(
    what: 'create' | 'update' | 'delete' | 'move',
    { who: index, what: thing, value }: { who: number; what: number; value: number },
  ): Promise<void> {
    const client = this.#client(index);
    const id = `thing-${thing}`;
    const type = thing < 3 ? 'room' : 'device';
    if (what === 'create') await client.create(id, type, { name: `Thing ${thing}`, [`k${value}`]: index });
    if (what === 'update')
      await client.update(id, { [`k${value}`]: `${index}.${this.#clock.nowMs() % 100_000}` });
    if (what === 'delete') await client.delete(id);
    if (what === 'move' && thing >= 3) await client.move(id, `thing-${value % 3}`);
  }

  async #editAtHub(thing: number, value: number): Promise<void> {
    const id = `thing-${thing}`;
    const held = this.home.graph.latest(id);
    if (!held) return;
    const author = { userId: 'anna', deviceId: 'http' };
    this.home.graph.transaction((writer) => {
      if (held.contentJson === null) writer.restoreEntity(id, undefined, author);
      else if (value === 4) writer.deleteEntity(id, author);
      else {
        // The last key goes, another comes: whole contents, as PUT has them.
        const kept = Object.entries(parseContent(held)).slice(0, value < 2 ? -1 : undefined);
        const content = {
          ...Object.fromEntries(kept),
          name: `Thing ${thing}`,
          hub: this.#clock.nowMs() % 1000,
        };
        writer.replaceContent(id, content, author);
      }
    });
    await this.home.graph.settled();
  }

  async #resolve(which: number, value: number): Promise<void> {
    const open = await this.home.sync.conflicts(0, 100);
    const conflict = open[which % Math.max(1, open.length)]?.view.conflict;
    const resolution = RESOLUTIONS[value % RESOLUTIONS.length] as Resolution;
    if (!conflict) return;
    const author = { userId: 'anna', deviceId: 'http' };
    // A merge with a deletion needs a content that is given; nobody gives one here.
    await this.home.sync.resolve(author, conflict.conflictId, { resolution }).catch((error: unknown) => {
      if (!(error instanceof HubError) || error.kind !== 'invalid') throw error;
    });
  }

  async #reopen(): Promise<void> {
    await this.home[Symbol.asyncDispose]();
    this.network.home = await openSyncHome(join(this.#folder, 'data'), this.#clock);
  }

  async #backup(): Promise<void> {
    await this.home[Symbol.asyncDispose]();
    this.#backups += 1;
    const copy = join(this.#folder, `backup-${this.#backups}`);
    cpSync(join(this.#folder, 'data'), copy, { recursive: true });
    this.#hasBackup = true;
    this.network.home = await openSyncHome(join(this.#folder, 'data'), this.#clock);
  }

  async #restore(): Promise<void> {
    if (!this.#hasBackup) return;
    const remembered = new Set<string>();
    for (const client of this.clients) for (const key of await client.remembers()) remembered.add(key);
    await this.home[Symbol.asyncDispose]();
    const data = join(this.#folder, 'data');
    rmSync(data, { recursive: true });
    cpSync(join(this.#folder, `backup-${this.#backups}`), data, { recursive: true });
    this.#restores += 1;
    const db = new DatabaseSync(join(data, 'hub.db'));
    db.prepare("UPDATE kept_value SET value = ? WHERE name = 'graph_epoch'").run(
      `abcdef${String(this.#restores).padStart(6, '0')}`,
    );
    db.close();
    this.#clock.advance(HOUR_MS);
    this.network.home = await openSyncHome(data, this.#clock);
    for (const { id, version } of this.network.acked) {
      const key = `${id}\n${version}`;
      if (!this.home.graph.version(id, version) && !remembered.has(key)) this.#lost.add(key);
    }
    for (const client of this.clients) await client.hubWasRestored();
  }
}

/** The digest that the hub tells a client that has everything. */
export async function hubDigest(home: SyncHome): Promise<string | null> {
  let clock: Record<string, string> = {};
  for (;;) {
    const text = await home.sync.exchange(principal('anna'), {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'observer',
      user_id: 'anna',
      vector_clock: clock,
      changes: [],
    });
    const answer = JSON.parse(text) as {
      vector_clock: Record<string, string>;
      has_more: boolean;
      digest: string | null;
    };
    clock = answer.vector_clock;
    if (!answer.has_more) return answer.digest;
  }
}
