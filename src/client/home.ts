import type { Environment } from './environment.ts';
import type { NewEntity, NewRelationship, RelationshipPatch } from './edits.ts';
import type { Replica } from './replica.ts';
import type { Entity, JsonObject, PendingChange, Relationship, Report, Row } from './types.ts';

import {
  changeRelationship,
  createEntity,
  createRelationship,
  deleteEntity,
  endRelationship,
  updateEntity,
} from './edits.ts';
import { newId } from './environment.ts';
import { ClientError } from './errors.ts';

export interface HomeOptions {
  readonly replica: Replica;
  readonly environment: Environment;
  /** An edit is stored and waits for the hub. */
  readonly onEdit: () => void;
}

/**
 * The home as it is on this device, to be read and edited with or without a network. An edit shows at once and is
 * queued; it returns when the store has it. Edits throw ClientError `invalid` when they cannot be made; nothing is
 * stored then.
 */
export class Home {
  readonly #options: HomeOptions;
  readonly #replica: Replica;

  constructor(options: HomeOptions) {
    this.#options = options;
    this.#replica = options.replica;
  }

  /** The entity as the person sees it, pending edits included; a tombstone when deleted, null when unknown. */
  async entity(id: string): Promise<Entity | null> {
    return asEntity(await this.#replica.row('entity', id));
  }

  /** Entities that are not deleted, of one type or of all, in any order. */
  async entities(entityType?: string): Promise<Entity[]> {
    const rows = await this.#replica.rows('entity');
    return rows
      .filter((row) => row.kind === 'entity')
      .filter((row) => !row.deleted && (entityType === undefined || row.entityType === entityType));
  }

  /** Ended ones included; null when unknown. */
  async relationship(id: string): Promise<Relationship | null> {
    return asRelationship(await this.#replica.row('relationship', id));
  }

  /** Relationships that hold now, from or to an entity, or all, in any order. */
  async relationships(entityId?: string): Promise<Relationship[]> {
    const rows = await this.#replica.rows('relationship');
    return rows
      .filter((row) => row.kind === 'relationship')
      .filter((row) => row.validTo === null)
      .filter((row) => entityId === undefined || [row.fromEntityId, row.toEntityId].includes(entityId));
  }

  /** Edits that the hub has not answered for, oldest first. */
  async pending(): Promise<readonly PendingChange[]> {
    return await this.#replica.pending();
  }

  /** Edits that did not become the state, until they are dismissed. */
  async reports(): Promise<readonly Report[]> {
    return await this.#replica.reports();
  }

  /** Forgets a report, by the version that it names. */
  async dismissReport(version: string): Promise<void> {
    await this.#replica.dismiss(version);
  }

  /** A new thing. A device needs a `name` in its content. */
  async createEntity(created: NewEntity): Promise<Entity> {
    const id = created.id ?? newId(this.#options.environment);
    return await this.#edited(
      this.#replica.edit('entity', id, (before, stamp) => {
        if (before) throw new ClientError('invalid', `there is an entity ${id} already; update it`);
        return createEntity(created, id, stamp);
      }),
    );
  }

  /** Keys present in `patch` replace those of the content; null is a value. A deleted entity comes back. */
  async updateEntity(id: string, patch: JsonObject): Promise<Entity> {
    return await this.#edited(
      this.#replica.edit('entity', id, (before, stamp) =>
        updateEntity(known(asEntity(before), 'entity', id), patch, stamp),
      ),
    );
  }

  /** The hub ends its relationships too. */
  async deleteEntity(id: string): Promise<Entity> {
    return await this.#edited(
      this.#replica.edit('entity', id, (before, stamp) => {
        const entity = known(asEntity(before), 'entity', id);
        if (entity.deleted) throw new ClientError('invalid', `the entity ${id} is deleted already`);
        return deleteEntity(entity, stamp);
      }),
    );
  }

  async createRelationship(created: NewRelationship): Promise<Relationship> {
    const id = created.id ?? newId(this.#options.environment);
    return await this.#edited(
      this.#replica.edit('relationship', id, (before, stamp) => {
        if (before) throw new ClientError('invalid', `there is a relationship ${id} already`);
        return createRelationship(created, id, stamp);
      }),
    );
  }

  async changeRelationship(id: string, patch: RelationshipPatch): Promise<Relationship> {
    return await this.#edited(
      this.#replica.edit('relationship', id, (before, stamp) =>
        changeRelationship(known(asRelationship(before), 'relationship', id), patch, stamp),
      ),
    );
  }

  async endRelationship(id: string): Promise<Relationship> {
    return await this.#edited(
      this.#replica.edit('relationship', id, (before, stamp) =>
        endRelationship(known(asRelationship(before), 'relationship', id), stamp),
      ),
    );
  }

  async #edited<R extends Row>(edit: Promise<R>): Promise<R> {
    const row = await edit;
    this.#options.onEdit();
    return row;
  }
}

function asEntity(row: Row | null): Entity | null {
  return row?.kind === 'entity' ? row : null;
}

function asRelationship(row: Row | null): Relationship | null {
  return row?.kind === 'relationship' ? row : null;
}

function known<R>(row: R | null, kind: string, id: string): R {
  if (row === null) throw new ClientError('invalid', `there is no ${kind} ${id} here`);
  return row;
}
