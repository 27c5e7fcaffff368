import type { Clock } from '../base/clock.ts';
import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { Author, Content, EntityVersion, RelationshipVersion } from '../graph/types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { newId, VersionSource } from '../base/ids.ts';
import { isJsonObject, jsonEqual } from '../base/json.ts';
import { contentIssue, encodeAnyContent, endpointWarning, parseContent, toV2Time } from '../graph/graph.ts';
import { notFound } from './home-reads.ts';

/** Properties say a few things about an edge; a text belongs into an entity. */
const MAX_PROPERTIES_BYTES = 16 * 1024;

/** What was stored, and what is unusual about it. */
export interface Stored<T> {
  readonly stored: T;
  readonly warning: string | undefined;
}

/**
 * Changes to the home as the clients of Inbetweenies v2 make them: a version at a time, durable when the promise
 * resolves. What a type asks for only warns here, since these clients know nothing of it and have no way to mend it.
 */
export class HomeEdits {
  readonly #graph: Graph;
  readonly #clock: Clock;
  readonly #versions: VersionSource;

  constructor(graph: Graph, clock: Clock) {
    this.#graph = graph;
    this.#clock = clock;
    // A name of its own: two sources of one name could give two entities the same version.
    this.#versions = new VersionSource(clock, 'v2');
  }

  /** Makes an entity. Its name is `content.name`. @throws HubError `too_large`. */
  async create(input: {
    entityType: string;
    name: string;
    content: Content;
    sourceType: string;
    author: Author;
  }): Promise<Stored<EntityVersion>> {
    const { entityType, author, sourceType } = input;
    const content = { ...input.content, name: input.name };
    const contentJson = encodeAnyContent(content);
    const stored = this.#graph.transaction((writer) =>
      writer.insertVersion(
        {
          id: newId(),
          version: this.#versions.next(),
          entityType,
          changeType: 'create',
          parentVersions: [],
          contentJson,
          author,
          sourceType,
          timestamp: toIso(this.#clock.nowMs()),
          current: true,
        },
        null,
      ),
    );
    await this.#graph.settled();
    return { stored: stored.entity, warning: contentIssue(entityType, content)?.message };
  }

  /**
   * Makes a version with other words: keys of `content` replace, the others stay. Where that changes nothing, none is made
   * and the one that is there is given back. @throws HubError `not_found`, `too_large`.
   */
  async update(
    id: string,
    changes: { name?: string | undefined; content?: Content | undefined },
    author: Author,
  ): Promise<Stored<EntityVersion> & { readonly previousVersion: string; readonly changed: boolean }> {
    const { name, content = {} } = changes;
    const { before, after } = this.#graph.transaction((writer) => {
      const latest = existing(writer, id);
      const held = parseContent(latest);
      const merged = { ...held, ...content, ...(name === undefined ? {} : { name }) };
      const same = jsonEqual(held, merged);
      return { before: latest, after: same ? latest : this.#insertNext(writer, latest, merged, author) };
    });
    await this.#graph.settled();
    return {
      stored: after,
      warning: contentIssue(after.entityType, parseContent(after))?.message,
      previousVersion: before.version,
      changed: after !== before,
    };
  }

  /**
   * Deletes an entity and ends its relationships; why is noted in a last version before the tombstone, which itself has no
   * content. Undefined when it is deleted already. @throws HubError `not_found`.
   */
  async retract(
    id: string,
    reason: { text: string; isError: boolean },
    author: Author,
  ): Promise<{ tombstone: EntityVersion; previousVersion: string; endedRelationships: number } | undefined> {
    const outcome = this.#graph.transaction((writer) => {
      const latest = writer.latest(id);
      if (!latest) throw notFound('Entity', id);
      if (latest.contentJson === null) return undefined;
      const endedRelationships = this.#graph.relationshipsOf(id).length;
      this.#insertNext(
        writer,
        latest,
        {
          ...parseContent(latest),
          deleted_reason: reason.text,
          ...(reason.isError ? { deleted_as_error: true } : {}),
        },
        author,
      );
      return {
        tombstone: writer.deleteEntity(id, author),
        previousVersion: latest.version,
        endedRelationships,
      };
    });
    await this.#graph.settled();
    return outcome;
  }

  /**
   * Joins two entities. Ends that are joined so already keep their edge, with the properties that are given now, if any.
   * @throws HubError `not_found` naming the end, `invalid` for an entity and itself, `too_large`.
   */
  async relate(input: {
    fromEntityId: string;
    toEntityId: string;
    relationshipType: string;
    properties: Content | undefined;
    author: Author;
  }): Promise<
    Stored<RelationshipVersion> & {
      readonly from: EntityVersion;
      readonly to: EntityVersion;
      /** False where the ends were joined so already. */
      readonly created: boolean;
    }
  > {
    const { author, relationshipType } = input;
    const properties = input.properties ?? {};
    if (Buffer.byteLength(JSON.stringify(properties)) > MAX_PROPERTIES_BYTES) {
      throw new HubError('too_large', 'properties must be at most 16 KiB', { field: 'properties' });
    }
    const joined = this.#graph.transaction((writer) => {
      const from = existing(writer, input.fromEntityId, 'From entity');
      const to = existing(writer, input.toEntityId, 'To entity');
      const seqBefore = writer.lastSeq;
      const put = writer.putRelationship({ ...input, properties });
      const created = writer.lastSeq > seqBefore;
      const keeps = input.properties === undefined || jsonEqual(JSON.parse(put.propertiesJson), properties);
      const stored = keeps ? put : writer.changeRelationship(put.id, { ...input, properties }, author);
      return { from, to, created, stored };
    });
    await this.#graph.settled();
    const { from, to } = joined;
    return { ...joined, warning: endpointWarning(relationshipType, from.entityType, to.entityType) };
  }

  /**
   * Ends a relationship now. Why, if that is told, is kept in the properties of the version that ends it, as `ended_reason`.
   * @throws HubError `not_found`.
   */
  async endRelationship(
    id: string,
    reason: string | undefined,
    author: Author,
  ): Promise<{ relationship: RelationshipVersion; alreadyEnded: boolean }> {
    const outcome = this.#graph.transaction((writer) => {
      const latest = writer.relationship(id);
      if (!latest) throw notFound('Relationship', id);
      if (latest.validToMicros !== null) return { relationship: latest, alreadyEnded: true };
      const relationship =
        reason === undefined
          ? writer.endRelationship(id, author)
          : this.#endWithReason(writer, latest, reason, author);
      return { relationship, alreadyEnded: false };
    });
    await this.#graph.settled();
    return outcome;
  }

  #endWithReason(
    writer: GraphWriter,
    latest: RelationshipVersion,
    reason: string,
    author: Author,
  ): RelationshipVersion {
    const properties: unknown = JSON.parse(latest.propertiesJson);
    writer.insertRelationshipVersion({
      id: latest.id,
      version: writer.nextVersion([latest.version]),
      parentVersions: [latest.version],
      fromEntityId: latest.fromEntityId,
      toEntityId: latest.toEntityId,
      relationshipType: latest.relationshipType,
      propertiesJson: JSON.stringify({
        ...(isJsonObject(properties) ? properties : {}),
        ended_reason: reason,
      }),
      author,
      // It began when it did, to the microsecond.
      validFrom: toV2Time(latest.validFromMicros),
      validTo: toIso(this.#clock.nowMs()),
      current: true,
    });
    const ended = writer.relationship(latest.id);
    if (!ended) throw new Error(`the relationship ${latest.id} was written and is not there`);
    return ended;
  }

  #insertNext(writer: GraphWriter, latest: EntityVersion, content: Content, author: Author): EntityVersion {
    return writer.insertVersion({
      id: latest.id,
      version: this.#versions.next([latest.version]),
      entityType: latest.entityType,
      changeType: 'update',
      parentVersions: [latest.version],
      contentJson: encodeAnyContent(content),
      author,
      sourceType: latest.sourceType,
      timestamp: toIso(this.#clock.nowMs()),
      current: true,
    }).entity;
  }
}

function existing(writer: GraphWriter, id: string, what = 'Entity'): EntityVersion {
  const latest = writer.latest(id);
  if (!latest || latest.contentJson === null) throw notFound(what, id);
  return latest;
}
