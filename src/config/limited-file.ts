import { closeSync, openSync, readSync } from 'node:fs';

import { errorCode, errorText } from '../base/errors.ts';

/** The text of a file, or for a person why there is none; `missing` tells an absent file from an unreadable one. */
export type FileText = { readonly text: string } | { readonly missing: boolean; readonly reason: string };

/** Reads at most `maxBytes` of UTF-8, and refuses what is longer: a path given by mistake may be a disk image. */
export function readLimitedFile(path: string, maxBytes: number): FileText {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += count;
      if (length > maxBytes) return { missing: false, reason: `more than ${maxBytes} bytes in ${path}` };
      if (count === 0) return { text: buffer.toString('utf8', 0, length) };
    }
  } catch (error) {
    const code = errorCode(error);
    return { missing: code === 'ENOENT' || code === 'ENOTDIR', reason: reasonText(error, path) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function reasonText(error: unknown, path: string): string {
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `no file at ${path}`;
    case 'EACCES':
    case 'EPERM':
      return `a file that this user may not read, ${path}`;
    case 'EISDIR':
      return `a folder at ${path}`;
    default:
      return `a file that could not be read (${errorText(error)})`;
  }
}
