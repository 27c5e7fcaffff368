import { join } from 'node:path';

import type { Backups } from './backups.ts';
import type { S3Settings } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { S3Bucket } from './s3.ts';
import { placeOf } from './views.ts';

/**
 * Brings one backup to S3, and removes there what is too many; may be repeated.
 * @returns a sentence for people, and bytes sent.
 * @throws HubError `unavailable`, `forbidden`: worth another try.
 */
export async function uploadBackup(
  backups: Backups,
  settings: S3Settings,
  name: string,
  signal: AbortSignal,
  bucket = new S3Bucket(settings),
): Promise<{ summary: string; bytes: number }> {
  const place = placeOf(settings);
  const view = (await backups.list()).find((backup) => backup.name === name);
  if (!view || view.missing) return { summary: `${name} is not there any more.`, bytes: 0 };
  if (view.copies.length > 0) return { summary: `${name} is in S3 already.`, bytes: 0 };
  const key = `${settings.prefix}${name}`;
  try {
    const path = join(view.place, name);
    await bucket.put({ key, path, sizeBytes: view.sizeBytes, sha256: view.sha256 }, signal);
    await backups.noteCopy(
      name,
      place,
      async (old) => await bucket.delete(`${settings.prefix}${old}`, signal),
    );
  } catch (error) {
    if (error instanceof HubError) backups.noteUpload(error);
    throw error;
  }
  backups.noteUpload(null);
  return { summary: `${name} was put into ${place}.`, bytes: view.sizeBytes };
}
