import type { HubRequest } from './http.ts';
import type { JsonObject } from './types.ts';

import { Shape } from './shape.ts';

/** Two edits of one entity that could not both become its state, waiting for somebody to decide. */
export interface OpenConflict {
  readonly conflictId: string;
  readonly entityId: string;
  /** already_exists, not_found, delete_update, version_conflict. */
  readonly conflictType: string;
  /** What the hub has; null when it has nothing. */
  readonly localVersion: string | null;
  /** The edit that lost. */
  readonly remoteVersion: string;
  /** What the hub would choose. */
  readonly resolutionHint: string;
  readonly conflictingFields: readonly string[];
  /** Of those fields, as the edit that lost had them. Empty where the hub found them too large to quote. */
  readonly editValues: JsonObject;
  /** Of those fields, as the hub has them. */
  readonly hubValues: JsonObject;
  /** A content that the hub offers for `merge`. */
  readonly suggestedMerge: JsonObject;
}

/** A choice: what the hub has (`keep_local`), what lost (`accept_remote`), or something of both. */
export interface Resolution {
  readonly resolution: 'keep_local' | 'accept_remote' | 'merge';
  /** With `merge`: the content; by default what the hub suggests. */
  readonly content?: JsonObject;
  /** `localVersion` of the conflict when it was looked at; the hub refuses (409) when it has moved on since. */
  readonly localVersion?: string;
}

/** All open conflicts, oldest first. @throws ClientError. */
export async function listConflicts(
  call: (request: HubRequest) => Promise<unknown>,
): Promise<OpenConflict[]> {
  const conflicts: OpenConflict[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const page = new Shape(await call({ method: 'GET', path: `/api/sync/conflicts${query}` }), 'conflicts');
    conflicts.push(...page.list('items').map(toConflict));
    cursor = page.textOrNull('next_cursor');
  } while (cursor !== null);
  return conflicts;
}

/** The request that decides a conflict. */
export function resolveRequest(conflictId: string, choice: Resolution): HubRequest {
  return {
    method: 'POST',
    path: `/api/sync/conflicts/${encodeURIComponent(conflictId)}/resolve`,
    body: {
      resolution: choice.resolution,
      ...(choice.content === undefined ? {} : { content: choice.content }),
      ...(choice.localVersion === undefined ? {} : { local_version: choice.localVersion }),
    },
  };
}

function toConflict(value: unknown): OpenConflict {
  const conflict = new Shape(value, 'conflict');
  const details = new Shape(conflict.value('conflict_details'), 'conflict_details');
  return {
    conflictId: conflict.text('conflict_id'),
    entityId: conflict.text('entity_id'),
    conflictType: conflict.text('conflict_type'),
    localVersion: conflict.textOrNull('local_version'),
    remoteVersion: conflict.text('remote_version'),
    resolutionHint: conflict.text('resolution_hint'),
    conflictingFields: details.texts('conflicting_fields'),
    editValues: details.objectOrEmpty('local_values'),
    hubValues: details.objectOrEmpty('server_values'),
    suggestedMerge: details.objectOrEmpty('suggested_merge'),
  };
}
