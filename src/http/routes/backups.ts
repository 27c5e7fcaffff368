import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { Call, Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { noQuery } from '../paging.ts';
import { bytes, empty, json } from '../reply.ts';
import { route } from '../route.ts';
import { originOf } from './author.ts';

/** A backup as this door shows it; times are ms since the Unix epoch. */
export interface BackupStanding {
  readonly name: string;
  readonly path: string;
  readonly origin: 'schedule' | 'hand';
  readonly createdMs: number;
  readonly sizeBytes: number;
  /** Empty where it is not known. */
  readonly sha256: string;
  readonly encrypted: boolean;
  readonly entities: number;
  /** 0 where it never was. */
  readonly verifiedMs: number;
  readonly problem: string | null;
  readonly missing: boolean;
  readonly copies: readonly string[];
}

/** What this door asks of the backups. */
export interface BackupKeeper {
  list(): Promise<readonly BackupStanding[]>;
  get(name: string): Promise<BackupStanding>;
  create(options: { readonly origin: 'hand' }): Promise<BackupStanding>;
  verify(name: string): Promise<BackupStanding>;
  delete(name: string): Promise<void>;
  open(name: string): Promise<{ readonly view: BackupStanding; readonly bytes: AsyncIterable<Uint8Array> }>;
}

type BackupContext = Pick<HttpOptions, 'access' | 'backups'>;

const backupSchema = z
  .object({
    id: z.string().describe('The name of the file'),
    path: z.string().describe('On the machine of the hub'),
    origin: z.enum(['schedule', 'hand']),
    created_at: z.string(),
    size_bytes: z.int(),
    sha256: z.string().nullable().describe('Of the file; null where this hub did not make it'),
    encrypted: z.boolean(),
    entities: z.int().nullable(),
    verified_at: z.string().nullable().describe('When it was last read in full and found good'),
    status: z.enum(['good', 'bad', 'missing', 'unknown']).describe('missing: its disk may not be attached'),
    problem: z.string().nullable(),
    copies: z.array(z.string()),
  })
  .meta({ id: 'Backup' });
const ID = {
  id: { description: 'The name of a backup', example: 'funkygibbon-home-20260101T024000Z.tar.gz' },
};
const CONTENT_TYPE = 'application/octet-stream';

/**
 * Copies of the home, its keys and logins among them. So they are carried away, and deleted, by the owner alone; and
 * none is restored here: that takes a hub that is stopped, and a person at the machine.
 */
export function backupRoutes({ access, backups }: BackupContext): Route[] {
  const keeper = (): BackupKeeper => {
    if (backups) return backups;
    throw new HubError('conflict', 'This hub makes no backups.');
  };
  const note = (
    call: Call,
    action: 'backup' | 'backup.verify' | 'backup.download' | 'backup.delete',
    { name, sizeBytes, sha256 }: BackupStanding,
  ): void =>
    access.audit.record({
      action,
      by: call.principal,
      from: originOf(call),
      target: name,
      details: { size_bytes: sizeBytes, sha256 },
    });
  return [
    route({
      method: 'GET',
      path: '/api/system/backups',
      authority: 'system:admin',
      summary: 'The backups, newest first. `funkygibbon backup restore` on the machine itself restores one',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(backupSchema) }) },
      handle: async () => json({ items: (await keeper().list()).map(backupJson) }),
    }),
    route({
      method: 'POST',
      path: '/api/system/backups',
      authority: 'system:admin',
      summary: 'Makes a backup in the configured folder; the answer comes once it was read again and is good',
      answer: { status: 201, schema: backupSchema },
      handle: async (call) => {
        const view = await keeper().create({ origin: 'hand' });
        note(call, 'backup', view);
        return json(backupJson(view), { status: 201 });
      },
    }),
    route({
      method: 'GET',
      path: '/api/system/backups/{id}',
      authority: 'system:admin',
      summary: 'One backup',
      params: ID,
      answer: { status: 200, schema: backupSchema },
      handle: async (call) => json(backupJson(await keeper().get(call.param('id')))),
    }),
    route({
      method: 'POST',
      path: '/api/system/backups/{id}/verify',
      authority: 'system:admin',
      summary: 'Reads a backup in full again: its checksums, and the database in it',
      params: ID,
      answer: { status: 200, schema: backupSchema },
      handle: async (call) => {
        const view = await keeper().verify(call.param('id'));
        note(call, 'backup.verify', view);
        return json(backupJson(view));
      },
    }),
    route({
      method: 'GET',
      path: '/api/system/backups/{id}/download',
      authority: 'system:admin',
      summary: 'The file of a backup, for the owner alone: it holds every key and login of the home',
      params: ID,
      answer: { status: 200, schema: null, content: CONTENT_TYPE },
      handle: async (call) => {
        onlyOwner(call.principal);
        const { view, bytes: content } = await keeper().open(call.param('id'));
        note(call, 'backup.download', view);
        return bytes(content, view.sizeBytes, {
          'content-type': CONTENT_TYPE,
          'content-disposition': `attachment; filename="${view.name}"`,
          'cache-control': 'no-store',
        });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/system/backups/{id}',
      authority: 'system:admin',
      summary: 'Deletes a backup, for the owner alone; copies elsewhere stay',
      params: ID,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        onlyOwner(call.principal);
        const view = await keeper().get(call.param('id'));
        await keeper().delete(view.name);
        note(call, 'backup.delete', view);
        return empty(204);
      },
    }),
  ];
}

function onlyOwner({ role }: Principal): void {
  if (role === 'owner') return;
  throw new HubError('forbidden', 'Only the owner may do this: a backup holds every key of the home.');
}

/** A backup in the words of the API. */
export function backupJson(view: BackupStanding): object {
  const isOwn = view.sha256 !== '';
  return {
    id: view.name,
    path: view.path,
    origin: view.origin,
    created_at: toIso(view.createdMs),
    size_bytes: view.sizeBytes,
    sha256: isOwn ? view.sha256 : null,
    encrypted: view.encrypted,
    entities: isOwn ? view.entities : null,
    verified_at: view.verifiedMs === 0 ? null : toIso(view.verifiedMs),
    status: view.missing ? 'missing' : view.problem !== null ? 'bad' : isOwn ? 'good' : 'unknown',
    problem: view.problem,
    copies: view.copies,
  };
}
