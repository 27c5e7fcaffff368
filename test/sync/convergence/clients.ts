import type { Network } from './network.ts';

import { HomeClient, MemoryStore } from '../../../src/client/client.ts';

/** What a convergence test asks of a client, whatever it speaks. */
export interface TestClient {
  readonly protocol: string;
  create(id: string, entityType: string, content: Record<string, unknown>): Promise<void>;
  /** Edits what the client holds; does nothing where that is nothing. */
  update(id: string, patch: Record<string, unknown>): Promise<void>;
  delete(id: string): Promise<void>;
  /** Puts a thing into another room. */
  move(id: string, room: string): Promise<void>;
  /** One sync. @throws Error when the network fails. */
  sync(): Promise<void>;
  /** The program ends and starts again: what is not stored is gone. */
  restart(): Promise<void>;
  /** The hub was restored from a backup, and this client cannot be told. */
  hubWasRestored(): Promise<void>;
  pending(): Promise<number>;
  /** What it holds: version and content by id, deleted things left out. */
  state(): Promise<Map<string, { version: string; content: unknown }>>;
  /** Versions that it would bring back to a hub that lost them. */
  remembers(): Promise<Set<string>>;
}

export interface ClientSetting {
  readonly network: Pick<Network, 'exchange'>;
  readonly name: string;
  readonly user: string;
  /** Its clock, in ms since the Unix epoch. */
  readonly nowMs: () => number;
}

/** The library, speaking v1.1. */
export class LibraryClient implements TestClient {
  readonly protocol = 'v1.1';
  readonly #setting: ClientSetting;
  readonly #store = new MemoryStore();
  #client: HomeClient;

  private constructor(setting: ClientSetting, client: HomeClient) {
    this.#setting = setting;
    this.#client = client;
  }

  static async open(setting: ClientSetting): Promise<LibraryClient> {
    const store = new MemoryStore();
    const opened = new LibraryClient(setting, await openLibrary(setting, store));
    opened.#client = await openLibrary(setting, opened.#store);
    return opened;
  }

  async create(id: string, entityType: string, content: Record<string, unknown>): Promise<void> {
    if (await this.#client.home.entity(id)) return;
    await this.#client.home.createEntity({ id, entityType, content });
  }

  async update(id: string, patch: Record<string, unknown>): Promise<void> {
    if (await this.#client.home.entity(id)) await this.#client.home.updateEntity(id, patch);
  }

  async delete(id: string): Promise<void> {
    const held = await this.#client.home.entity(id);
    if (held && !held.deleted) await this.#client.home.deleteEntity(id);
  }

  async move(id: string, room: string): Promise<void> {
    const { home } = this.#client;
    for (const end of [id, room]) {
      const held = await home.entity(end);
      if (!held || held.deleted) return;
    }
    for (const edge of await home.relationships(id)) {
      if (edge.fromEntityId !== id || edge.relationshipType !== 'located_in') continue;
      if (edge.toEntityId === room) return;
      await home.endRelationship(edge.id);
    }
    await home.createRelationship({ fromEntityId: id, toEntityId: room, relationshipType: 'located_in' });
  }

  async sync(): Promise<void> {
    await this.#client.sync();
  }

  async restart(): Promise<void> {
    this.#client = await openLibrary(this.#setting, this.#store);
  }

  async hubWasRestored(): Promise<void> {
    // Its cursor tells.
  }

  async pending(): Promise<number> {
    return (await this.#client.home.pending()).length;
  }

  async state(): Promise<Map<string, { version: string; content: unknown }>> {
    const entities = await this.#client.home.entities();
    return new Map(entities.map(({ id, version, content }) => [id, { version, content }]));
  }

  async remembers(): Promise<Set<string>> {
    const held = await Promise.resolve(this.#store.list('entity'));
    const rows = held.map(({ row, base }) => (base === undefined ? row : base));
    return new Set(rows.flatMap((row) => (row ? [`${row.id}\n${row.version}`] : [])));
  }

  /** Ids and versions of the relationships that hold. */
  async edges(): Promise<Map<string, string>> {
    const edges = await this.#client.home.relationships();
    return new Map(edges.map(({ id, version }) => [id, version]));
  }

  async reports(): Promise<number> {
    return (await this.#client.home.reports()).length;
  }
}

async function openLibrary(setting: ClientSetting, store: MemoryStore): Promise<HomeClient> {
  const { network, name, user, nowMs } = setting;
  return await HomeClient.open({
    hubUrl: 'http://hub.test',
    store,
    tokens: async () => await Promise.resolve({ value: 'token' }),
    userId: user,
    deviceId: name,
    environment: {
      nowMs,
      fetch: async (_, { body }) => {
        try {
          const answer = await network.exchange(user, JSON.parse(body ?? '{}') as Record<string, unknown>);
          return new Response(JSON.stringify(answer));
        } catch (error) {
          throw new TypeError('fetch failed', { cause: error });
        }
      },
    },
  });
}

interface V1Row {
  version: string;
  type: string;
  content: Record<string, unknown> | null;
  parents: readonly string[];
}

type V1Change = Readonly<Record<string, unknown>> & {
  readonly change_type: string;
  readonly entity_id: string;
  readonly entity_version: string;
};

/** A phone that somebody else wrote after reading PROTOCOL.md: v1, entities only, as plain as can be. */
export class PlainV1Client implements TestClient {
  readonly protocol = 'v1';
  readonly #setting: ClientSetting;
  readonly #hubs = new Map<string, V1Row>();
  readonly #shown = new Map<string, V1Row>();
  #queue: V1Change[] = [];
  #clock: Record<string, string> = {};
  #count = 0;
  /** While everything is pulled anew: what has come. */
  #came: Set<string> | null = null;

  constructor(setting: ClientSetting) {
    this.#setting = setting;
  }

  async create(id: string, entityType: string, content: Record<string, unknown>): Promise<void> {
    if (!this.#shown.has(id)) this.#edit('create', id, entityType, content, content, []);
    await Promise.resolve();
  }

  async update(id: string, patch: Record<string, unknown>): Promise<void> {
    const row = this.#shown.get(id);
    if (row) this.#edit('update', id, row.type, { ...row.content, ...patch }, patch, [row.version]);
    await Promise.resolve();
  }

  async delete(id: string): Promise<void> {
    const row = this.#shown.get(id);
    if (row?.content) this.#edit('delete', id, row.type, null, null, [row.version]);
    await Promise.resolve();
  }

  async move(): Promise<void> {
    // v1 knows no relationships.
  }

  async sync(): Promise<void> {
    let more = true;
    while (more) {
      const sent = this.#came ? [] : this.#queue.slice(0, 1000);
      const answer = await this.#setting.network.exchange(this.#setting.user, {
        protocol_version: 'inbetweenies-v1',
        device_id: this.#setting.name,
        user_id: this.#setting.user,
        vector_clock: this.#clock,
        changes: sent,
      });
      // All answers are final.
      const sentVersions = new Set(sent.map((change) => change.entity_version));
      this.#queue = this.#queue.filter((change) => !sentVersions.has(change.entity_version));
      const applied = new Set(answer['applied'] as string[]);
      for (const change of sent)
        if (applied.has(change.entity_version)) this.#hubs.set(...rowOf(change, this.#hubs));
      if (answer['resync'] === true) this.#came = new Set();
      for (const change of answer['changes'] as V1Change[]) {
        this.#hubs.set(...rowOf(change, new Map()));
        this.#came?.add(change.entity_id);
      }
      this.#clock = answer['vector_clock'] as Record<string, string>;
      more = answer['has_more'] === true;
      if (!more && this.#came) {
        this.#bringBack(this.#came);
        this.#came = null;
        more = true;
      }
      this.#show();
    }
  }

  async restart(): Promise<void> {
    // It stores everything at once.
  }

  async hubWasRestored(): Promise<void> {
    // Its cursor tells.
  }

  async pending(): Promise<number> {
    return await Promise.resolve(this.#queue.length);
  }

  async state(): Promise<Map<string, { version: string; content: unknown }>> {
    const state = new Map<string, { version: string; content: unknown }>();
    for (const [id, { version, content }] of this.#shown) if (content) state.set(id, { version, content });
    return await Promise.resolve(state);
  }

  async remembers(): Promise<Set<string>> {
    // Versions that it held and the hub did not send are pushed again only where the hub has nothing at all.
    return await Promise.resolve(new Set());
  }

  #bringBack(came: ReadonlySet<string>): void {
    const lost: V1Change[] = [];
    for (const [id, row] of this.#hubs) {
      if (came.has(id) || !row.content) continue;
      lost.push(this.#change('create', id, row.type, row.content, row.parents, row.version));
      this.#hubs.delete(id);
    }
    const queued = new Set(this.#queue.map((change) => change.entity_version));
    this.#queue = [...lost.filter((change) => !queued.has(change.entity_version)), ...this.#queue];
  }

  #edit(
    type: string,
    id: string,
    entityType: string,
    whole: Record<string, unknown> | null,
    sent: Record<string, unknown> | null,
    parents: readonly string[],
  ): void {
    this.#count += 1;
    const version = `${this.#setting.name}-${this.#count}`;
    this.#queue.push(this.#change(type, id, entityType, sent, parents, version));
    this.#shown.set(id, { version, type: entityType, content: whole, parents });
  }

  #change(
    type: string,
    id: string,
    entityType: string,
    content: Record<string, unknown> | null,
    parents: readonly string[],
    version: string,
  ): V1Change {
    return {
      change_type: type,
      entity_id: id,
      entity_version: version,
      entity_type: entityType,
      content,
      timestamp: new Date(this.#setting.nowMs()).toISOString(),
      parent_versions: parents,
      user_id: this.#setting.user,
      device_id: this.#setting.name,
    };
  }

  /** What the person sees: the hub's rows, and over them what waits. */
  #show(): void {
    const waiting = new Set(this.#queue.map((change) => change.entity_id));
    for (const id of this.#shown.keys()) {
      if (!waiting.has(id) && !this.#hubs.has(id)) this.#shown.delete(id);
    }
    for (const [id, row] of this.#hubs) if (!waiting.has(id)) this.#shown.set(id, row);
  }
}

/** The row that a change leaves, over what was held. */
function rowOf(change: V1Change, held: ReadonlyMap<string, V1Row>): [string, V1Row] {
  const before = held.get(change.entity_id);
  const patch = change['content'] as Record<string, unknown> | null;
  const isUpdate = change.change_type === 'update';
  return [
    change.entity_id,
    {
      version: change.entity_version,
      type: String(change['entity_type']),
      content: patch === null ? null : isUpdate ? { ...before?.content, ...patch } : patch,
      parents: change['parent_versions'] as string[],
    },
  ];
}

interface V2Row {
  id: string;
  version: string;
  entity_type: string;
  name: string;
  content: Record<string, unknown>;
  source_type: string;
  user_id: string;
  parent_versions: string[];
}

/** A program of Inbetweenies v2, as INBETWEENIES-V2.md describes them: pulls, then pushes; no cursor, no relationships. */
export class OldV2Client implements TestClient {
  readonly protocol = 'v2';
  readonly #setting: ClientSetting;
  readonly #shouts: boolean;
  #rows = new Map<string, V2Row>();
  #deleted = new Set<string>();
  #pending = new Map<string, 'update' | 'delete'>();
  #since: string | null = null;
  #count = 0;

  /** @param shouts enums in upper case, versions without a time and parents that never advance, as KittenKong has them */
  constructor(setting: ClientSetting, shouts: boolean) {
    this.#setting = setting;
    this.#shouts = shouts;
  }

  async create(id: string, entityType: string, content: Record<string, unknown>): Promise<void> {
    if (!this.#rows.has(id)) this.#put(id, entityType, content, []);
    await Promise.resolve();
  }

  async update(id: string, patch: Record<string, unknown>): Promise<void> {
    const row = this.#rows.get(id);
    if (!row || this.#deleted.has(id)) return;
    const parents = this.#shouts ? row.parent_versions : [row.version];
    this.#put(id, row.entity_type, { ...row.content, ...patch }, parents);
    await Promise.resolve();
  }

  async delete(id: string): Promise<void> {
    const row = this.#rows.get(id);
    // KittenKong never pushes deletes.
    if (!row || this.#shouts || this.#deleted.has(id)) return;
    this.#put(id, row.entity_type, row.content, [row.version]);
    this.#deleted.add(id);
    this.#pending.set(id, 'delete');
    await Promise.resolve();
  }

  async move(): Promise<void> {
    // Its relationships never come back to it.
  }

  async sync(): Promise<void> {
    const filters = this.#since === null ? {} : { filters: { since: this.#since } };
    const pulled = await this.#post({ sync_type: this.#since === null ? 'full' : 'delta', ...filters }, []);
    this.#take(pulled, new Set(this.#pending.keys()));
    this.#since = this.#shouts
      ? new Date(String(pulled['server_time'])).toISOString()
      : String(pulled['server_time']).replace('+00:00', '');
    if (this.#pending.size === 0) return;
    const sent = [...this.#pending].map(([id, changeType]) => {
      const row = this.#rows.get(id) as V2Row;
      const enums = this.#shouts
        ? { entity_type: row.entity_type.toUpperCase(), source_type: row.source_type.toUpperCase() }
        : {};
      return { change_type: changeType, entity: { ...row, ...enums }, relationships: [] };
    });
    const answer = await this.#post({ sync_type: 'delta' }, sent);
    for (const id of answer['applied'] as string[]) this.#pending.delete(id);
    this.#take(answer, new Set(this.#pending.keys()));
  }

  async restart(): Promise<void> {
    if (!this.#shouts) return;
    // KittenKong keeps everything in memory.
    this.#pending.clear();
    await this.hubWasRestored();
  }

  async hubWasRestored(): Promise<void> {
    this.#since = null;
    for (const id of this.#rows.keys()) if (!this.#pending.has(id)) this.#rows.delete(id);
    await Promise.resolve();
  }

  async pending(): Promise<number> {
    return await Promise.resolve(this.#pending.size);
  }

  async state(): Promise<Map<string, { version: string; content: unknown }>> {
    const live = [...this.#rows.values()].filter(({ id }) => !this.#deleted.has(id));
    return await Promise.resolve(new Map(live.map(({ id, version, content }) => [id, { version, content }])));
  }

  async remembers(): Promise<Set<string>> {
    return await Promise.resolve(new Set());
  }

  #put(id: string, entityType: string, content: Record<string, unknown>, parents: string[]): void {
    this.#count += 1;
    const nowMs = this.#setting.nowMs();
    const counter = String(this.#count).padStart(6, '0');
    const version = this.#shouts
      ? `v-${nowMs}${this.#count}`
      : `${new Date(nowMs).toISOString().slice(0, -1)}000+00:00-${counter}-${this.#setting.name}`;
    this.#rows.set(id, {
      id,
      version,
      entity_type: entityType,
      name: String(content['name']),
      content,
      source_type: 'manual',
      user_id: 'client-user',
      parent_versions: parents,
    });
    this.#deleted.delete(id);
    this.#pending.set(id, 'update');
  }

  async #post(extra: object, changes: readonly object[]): Promise<Record<string, unknown>> {
    return await this.#setting.network.exchange(this.#setting.user, {
      protocol_version: 'inbetweenies-v2',
      device_id: this.#setting.name,
      user_id: 'client-user',
      vector_clock: { clocks: {} },
      changes,
      ...extra,
    });
  }

  #take(answer: Record<string, unknown>, keep: ReadonlySet<string>): void {
    for (const change of answer['changes'] as { change_type: string; entity: V2Row }[]) {
      const { entity } = change;
      if (keep.has(entity.id)) continue;
      this.#rows.set(entity.id, entity);
      if (change.change_type === 'delete') this.#deleted.add(entity.id);
      else this.#deleted.delete(entity.id);
    }
  }
}
