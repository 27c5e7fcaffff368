import type { Random } from './random.ts';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** How a power cut treats what was written and not synced. One is drawn for each image. */
export interface CutProfile {
  /** Probability that an operation that was not synced is on the disk all the same. */
  keep: number;
  /** Probability that a write which is kept is torn: only some of its sectors are there. */
  tear: number;
}

interface PendingWrite {
  kind: 'write';
  record: number;
  firstSector: number;
  /** The sectors as the page cache had them after this write; null once a later write to them was synced. */
  sectors: (Buffer | null)[];
  endBytes: number;
  /** True after a failed sync: the kernel takes its pages for clean, no later sync writes them. */
  orphaned: boolean;
}

interface PendingTruncate {
  kind: 'truncate';
  record: number;
  sizeBytes: number;
}

/** Bytes that grow; what lies beyond the size reads as zero. */
class Content {
  #bytes = Buffer.alloc(0);
  size = 0;

  static copyOf(other: Content): Content {
    const copy = new Content();
    copy.#bytes = Buffer.from(other.#bytes);
    copy.size = other.size;
    return copy;
  }

  write(offset: number, data: Buffer): void {
    this.#reserve(offset + data.length);
    data.copy(this.#bytes, offset);
    this.size = Math.max(this.size, offset + data.length);
  }

  truncate(sizeBytes: number): void {
    this.#reserve(sizeBytes);
    this.#bytes.fill(0, sizeBytes);
    this.size = sizeBytes;
  }

  /** Writes whole sectors, which may reach beyond the size. */
  writeSectors(firstSector: number, sectors: readonly (Buffer | null)[], endBytes: number): void {
    this.#reserve((firstSector + sectors.length) * SECTOR_BYTES);
    for (const [index, sector] of sectors.entries()) {
      sector?.copy(this.#bytes, (firstSector + index) * SECTOR_BYTES);
    }
    this.size = Math.max(this.size, endBytes);
  }

  sector(index: number): Buffer {
    this.#reserve((index + 1) * SECTOR_BYTES);
    return Buffer.from(this.#bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES));
  }

  get bytes(): Buffer {
    this.#reserve(this.size);
    const bytes = Buffer.from(this.#bytes.subarray(0, this.size));
    return bytes;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }
}

/**
 * One file: what is on the disk for certain, and what was done since. A power cut keeps, drops or tears each of the
 * operations not yet synced, in no particular order; a sector holds what one of the writes to it left, or what was
 * there before.
 */
export class FileModel {
  readonly #stable = new Content();
  readonly #live = new Content();
  #pending: (PendingWrite | PendingTruncate)[] = [];

  write(record: number, offset: number, data: Buffer): void {
    this.#live.write(offset, data);
    const firstSector = Math.floor(offset / SECTOR_BYTES);
    const lastSector = Math.floor((offset + data.length - 1) / SECTOR_BYTES);
    const sectors: Buffer[] = [];
    for (let index = firstSector; index <= lastSector; index++) sectors.push(this.#live.sector(index));
    const endBytes = offset + data.length;
    this.#pending.push({ kind: 'write', record, firstSector, sectors, endBytes, orphaned: false });
  }

  truncate(record: number, sizeBytes: number): void {
    this.#live.truncate(sizeBytes);
    this.#pending.push({ kind: 'truncate', record, sizeBytes });
  }

  /** A sync that began after `record` has succeeded. */
  sync(record: number): void {
    const left: (PendingWrite | PendingTruncate)[] = [];
    for (const operation of this.#pending) {
      if (operation.record > record || (operation.kind === 'write' && operation.orphaned))
        left.push(operation);
      else if (operation.kind === 'truncate') {
        this.#stable.truncate(operation.sizeBytes);
        forgetOrphans(left, Math.ceil(operation.sizeBytes / SECTOR_BYTES), Infinity);
      } else {
        const { firstSector, sectors, endBytes } = operation;
        this.#stable.writeSectors(firstSector, sectors, endBytes);
        forgetOrphans(left, firstSector, firstSector + sectors.length);
      }
    }
    this.#pending = left;
  }

  /** A sync that began after `record` has failed: those writes may never arrive, whatever later syncs say. */
  failSync(record: number): void {
    for (const operation of this.#pending) {
      if (operation.kind === 'write' && operation.record <= record) operation.orphaned = true;
    }
  }

  /** The file as one power cut may leave it. */
  cut(random: Random, { keep, tear }: CutProfile): Buffer {
    const image = Content.copyOf(this.#stable);
    for (const operation of this.#pending) {
      if (!random.chance(keep)) continue;
      if (operation.kind === 'truncate') image.truncate(operation.sizeBytes);
      else if (random.chance(tear)) {
        image.writeSectors(operation.firstSector, torn(operation.sectors, random), operation.endBytes);
      } else image.writeSectors(operation.firstSector, operation.sectors, operation.endBytes);
    }
    return image.bytes;
  }
}

function forgetOrphans(operations: (PendingWrite | PendingTruncate)[], from: number, to: number): void {
  for (const operation of operations) {
    if (operation.kind !== 'write' || !operation.orphaned) continue;
    for (const index of operation.sectors.keys()) {
      const sector = operation.firstSector + index;
      if (sector >= from && sector < to) operation.sectors[index] = null;
    }
  }
}

/** Either a prefix or any subset of the sectors. */
function torn(sectors: readonly (Buffer | null)[], random: Random): (Buffer | null)[] {
  const prefix = random.chance(0.5) ? random.below(sectors.length) : undefined;
  return sectors.map((sector, index) => {
    const kept = prefix === undefined ? random.chance(0.5) : index < prefix;
    return kept ? sector : null;
  });
}
