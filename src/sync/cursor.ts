import { createHash } from 'node:crypto';

import type { SyncFilter } from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';

/** How far a reader of the graph has come (PROTOCOL.md 2.2). */
export interface Cursor {
  /** Of the graph that the seq belongs to; another one after a restore. */
  readonly epoch: string;
  /** What was being read: rows that a narrower view left out are not behind the cursor of a wider one. */
  readonly view: string;
  readonly seq: number;
  /** When it was given, ms since the Unix epoch; for people, and to tell an old one. */
  readonly issuedMs: number;
}

const CURSOR = /^(\d{4}-\d{2}-\d{2}T[\d:.]{8,15}(?:Z|\+00:00))-([0-9a-f]{1,32})-([0-9a-f]{1,32})-(\d{1,15})$/;

/** A short name for (protocol, filter, scope); `scope` is the hash of what is visible, for whoever does not see all. */
export function viewOf(protocol: string, filter: SyncFilter | null, scope?: string): string {
  const text = JSON.stringify([
    protocol,
    filter?.entityTypes ?? null,
    filter?.excludeDeleted ?? false,
    // Without one as before: the cursors that phones carry stay good.
    ...(scope === undefined ? [] : [scope]),
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * The view that leaves nothing out, or nothing of what somebody sees who does not see all. Whoever has seen everything up
 * to a seq has seen every other view of the same scope up to it.
 */
export function wholeViewOf(scope: string | undefined): string {
  return viewOf('inbetweenies-v1.1', null, scope);
}

/** False when the cursor's seq means nothing in this graph: it is from another life of it, or from ahead of it. */
export function belongsTo(cursor: Cursor, graph: { epoch: string; headSeq: number }): boolean {
  return cursor.epoch === graph.epoch && cursor.seq <= graph.headSeq;
}

/** `{utc-iso8601}-{epoch}-{view}-{seq}`; the time is for people who read it. */
export function formatCursor(cursor: Omit<Cursor, 'issuedMs'>, nowMs: number): string {
  return `${toIso(nowMs)}-${cursor.epoch}-${cursor.view}-${cursor.seq}`;
}

/** @throws HubError `invalid` (INVALID_VECTOR_CLOCK) when the text is not a cursor. */
export function parseCursor(text: string, field: string): Cursor {
  const match = text.length > 128 ? null : CURSOR.exec(text);
  if (!match) {
    throw new HubError(
      'invalid',
      `${field} is not a cursor that a hub gave; leave it out to start from the beginning`,
      { field, code: 'INVALID_VECTOR_CLOCK' },
    );
  }
  const issuedMs = Date.parse(String(match[1]));
  return { epoch: String(match[2]), view: String(match[3]), seq: Number(match[4]), issuedMs };
}

/** The cursor as `next_sync_token`, which clients must not look into. */
export function toToken(cursor: string): string {
  return Buffer.from(cursor).toString('base64url');
}

/** @throws HubError `invalid` (INVALID_VECTOR_CLOCK). */
export function parseToken(token: string): Cursor {
  return parseCursor(Buffer.from(token, 'base64url').toString('latin1'), 'sync_token');
}
