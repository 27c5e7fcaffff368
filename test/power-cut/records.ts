import { readFileSync } from 'node:fs';

/** One file operation as `recorder.c` writes it; `number` is the position in the stream. */
export type FileRecord =
  | { type: 'open'; fd: number; path: string; created: boolean }
  | { type: 'close'; fd: number }
  | { type: 'write'; fd: number; offset: number; data: Buffer }
  | { type: 'truncate'; fd: number; sizeBytes: number }
  | { type: 'sync-begin'; fd: number; sync: number }
  | { type: 'sync-end'; fd: number; sync: number }
  | { type: 'sync-failed'; fd: number; sync: number }
  | { type: 'unlink'; path: string }
  | { type: 'rename'; path: string; to: string }
  | { type: 'mkdir'; path: string }
  | { type: 'rmdir'; path: string }
  | { type: 'ack'; text: string };

const HEADER_BYTES = 32;

/** @throws Error when the process did something the disk model does not know. */
export function readRecords(logFile: string): FileRecord[] {
  const log = readFileSync(logFile);
  const records: FileRecord[] = [];
  let position = 0;
  while (position + HEADER_BYTES <= log.length) {
    const type = log.readUInt32LE(position);
    const fd = log.readInt32LE(position + 4);
    const number = Number(log.readBigUInt64LE(position + 8));
    const pathEnd = position + HEADER_BYTES + log.readUInt32LE(position + 16);
    const dataEnd = pathEnd + log.readUInt32LE(position + 20);
    const path = log.toString('utf8', position + HEADER_BYTES, pathEnd);
    records.push(toRecord(type, fd, number, path, log.subarray(pathEnd, dataEnd)));
    position = dataEnd;
  }
  if (position !== log.length) throw new Error('the record ends in the middle of an operation');
  return records;
}

/** The numbers are those of `enum record_type` in recorder.c. */
function toRecord(type: number, fd: number, number: number, path: string, data: Buffer): FileRecord {
  switch (type) {
    case 1:
      return { type: 'open', fd, path, created: number === 1 };
    case 2:
      return { type: 'close', fd };
    case 3:
      return { type: 'write', fd, offset: number, data };
    case 4:
      return { type: 'truncate', fd, sizeBytes: number };
    case 5:
      return { type: 'sync-begin', fd, sync: number };
    case 6:
      return { type: 'sync-end', fd, sync: number };
    case 7:
      return { type: 'sync-failed', fd, sync: number };
    case 8:
      return { type: 'unlink', path };
    case 9:
      return { type: 'rename', path, to: data.toString() };
    case 10:
      return { type: 'mkdir', path };
    case 11:
      return { type: 'rmdir', path };
    case 12:
      return { type: 'ack', text: data.toString() };
    default:
      throw new Error(`the disk model does not know the operation ${type} (${path})`);
  }
}
