import { createHash } from 'node:crypto';

import type { Role } from '../../../src/access/types.ts';

import { principal, type SyncHome } from '../sync-home.ts';

/** An entity as v2 sends it. */
export interface EntityV2 {
  id: string;
  version: string;
  entity_type: string;
  name: string;
  content: Record<string, unknown>;
  source_type: string;
  user_id: string;
  parent_versions: string[];
  checksum?: null;
  created_at?: string;
  updated_at?: string;
}

export interface EdgeV2 {
  id: string;
  from_entity_id: string;
  from_entity_version: string;
  to_entity_id: string;
  to_entity_version: string;
  relationship_type: string;
  properties: Record<string, unknown>;
}

export interface ChangeV2 {
  change_type: string;
  entity?: EntityV2 | null;
  relationships: EdgeV2[];
}

export interface ServedChange extends ChangeV2 {
  entity: EntityV2;
}

export interface AnswerV2 {
  protocol_version: string;
  sync_type: string;
  changes: ServedChange[];
  conflicts: {
    entity_id: string;
    local_version: string;
    remote_version: string;
    resolution_strategy: string;
    resolved_version: string;
  }[];
  vector_clock: unknown;
  cursor: string | null;
  state_digest: string;
  sync_stats: Record<string, number>;
  server_time: string;
  applied: string[];
  applied_relationships: string[];
}

/** A client of v2 as the programs that exist are: it never pages, and its watermark is the server's time. */
export class TestClient {
  readonly deviceId: string;
  readonly #home: SyncHome;
  readonly #role: Role;

  constructor(home: SyncHome, deviceId = 'client-1', role: Role = 'member') {
    this.#home = home;
    this.deviceId = deviceId;
    this.#role = role;
  }

  async send(body: unknown): Promise<AnswerV2> {
    let text = '';
    for await (const chunk of await this.#home.sync.v2.exchange(principal('anna', this.#role), body)) {
      text += chunk;
    }
    return JSON.parse(text) as AnswerV2;
  }

  body(extra: object = {}): Record<string, unknown> {
    return {
      protocol_version: 'inbetweenies-v2',
      device_id: this.deviceId,
      user_id: 'system',
      sync_type: 'delta',
      vector_clock: { clocks: {} },
      changes: [],
      ...extra,
    };
  }

  /** Pushes versions of entities; `extra` goes into the request. */
  async push(entities: readonly EntityV2[], extra: object = {}): Promise<AnswerV2> {
    const changes = entities.map((entity) => ({ change_type: 'update', entity, relationships: [] }));
    return await this.send(this.body({ changes, ...extra }));
  }

  async delete(entity: EntityV2, extra: object = {}): Promise<AnswerV2> {
    return await this.send(
      this.body({ changes: [{ change_type: 'delete', entity, relationships: [] }], ...extra }),
    );
  }

  async pushEdges(...relationships: EdgeV2[]): Promise<AnswerV2> {
    return await this.send(this.body({ changes: [{ change_type: 'update', relationships }] }));
  }

  async pull(since?: string, filters: object = {}, extra: object = {}): Promise<AnswerV2> {
    const type = since === undefined ? 'full' : 'delta';
    return await this.send(this.body({ sync_type: type, filters: { since, ...filters }, ...extra }));
  }
}

/** A version of the canonical form, `seconds` after the beginning of 2026. */
export function versionAt(seconds: number, user = 'anna'): string {
  const iso = new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().slice(0, -1);
  return `${iso}000+00:00-000000-${user}`;
}

export function entity(id: string, version: string, extra: Partial<EntityV2> = {}): EntityV2 {
  return {
    id,
    version,
    entity_type: 'room',
    name: id.toUpperCase(),
    content: {},
    source_type: 'manual',
    user_id: 'anna',
    parent_versions: [],
    ...extra,
  };
}

export function edge(from: EntityV2, to: EntityV2, extra: Partial<EdgeV2> = {}): EdgeV2 {
  return {
    id: `${from.id}-${to.id}`,
    from_entity_id: from.id,
    from_entity_version: from.version,
    to_entity_id: to.id,
    to_entity_version: to.version,
    relationship_type: 'located_in',
    properties: {},
    ...extra,
  };
}

/** What a client that holds these rows computes (4.9). */
export function digestOf(rows: Iterable<{ id: string; version: string }>): string {
  const hash = createHash('sha256');
  const sorted = [...rows].sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  for (const { id, version } of sorted) hash.update(`${id}\u001f${version}\u001e`);
  return hash.digest('hex');
}

export function served(answer: AnswerV2, id: string): ServedChange | undefined {
  return answer.changes.find((change) => change.entity.id === id);
}

export function ids(answer: AnswerV2): string[] {
  return answer.changes.map((change) => change.entity.id);
}
