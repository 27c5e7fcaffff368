import type { Tx } from '../base/db.ts';
import type { Conflict, ConflictType, ResolvedConflict } from './types.ts';

import { shortHash } from '../base/ids.ts';
import { readOpenConflictsOf } from './reader.ts';
import { insertConflict, writeJoined, writeResolved } from './writer.ts';

/** A change that lost. */
export interface LostChange {
  readonly id: string;
  readonly version: string;
  readonly deviceId: string;
}

/** An open conflict as it stands by now; the same for each version that lost in it. */
interface Open {
  conflict: Conflict;
}

/** The conflicts that wait for somebody to decide, as one transaction sees and changes them. */
export class OpenConflicts {
  readonly #tx: Tx;
  readonly #userId: string;
  readonly #nowMs: number;
  /** By entity and by each version that lost: read once, however many changes are about one thing. */
  readonly #known = new Map<string, Map<string, Open>>();
  readonly #joined = new Set<Open>();

  /** @param userId who pushes or decides */
  constructor(tx: Tx, userId: string, nowMs: number) {
    this.#tx = tx;
    this.#userId = userId;
    this.#nowMs = nowMs;
  }

  /** The open conflicts of an entity in which one of these versions lost. */
  lostBy(entityId: string, versions: readonly string[]): Conflict[] {
    const known = this.#of(entityId);
    const found = versions.map((version) => known.get(version)).filter((open) => open !== undefined);
    return [...new Set(found)].map(({ conflict }) => conflict);
  }

  open(change: LostChange, type: ConflictType): Conflict {
    const conflict: Conflict = {
      // Made from what it is about: a hub that was restored calls it the same.
      conflictId: shortHash(`${change.id}\n${change.version}`, 16),
      entityId: change.id,
      type,
      remoteVersion: change.version,
      lostVersions: [change.version],
      userId: this.#userId,
      deviceId: change.deviceId,
      createdAtMs: this.#nowMs,
      resolved: null,
    };
    insertConflict(this.#tx, conflict);
    this.#of(change.id).set(change.version, { conflict });
    return conflict;
  }

  /** A change that was made from the loser of a conflict takes its place in it. Stored by `flush`. */
  join(conflict: Conflict, change: LostChange): Conflict {
    const known = this.#of(change.id);
    const open = known.get(conflict.remoteVersion) ?? { conflict };
    open.conflict = {
      ...open.conflict,
      remoteVersion: change.version,
      lostVersions: [...open.conflict.lostVersions, change.version],
      userId: this.#userId,
      deviceId: change.deviceId,
    };
    known.set(change.version, open);
    this.#joined.add(open);
    return open.conflict;
  }

  /** Closes a conflict: somebody has decided, or has made a version from both sides. */
  close(conflict: Conflict, how: Pick<ResolvedConflict, 'resolution' | 'version'>): void {
    const resolved = { ...how, atMs: this.#nowMs, userId: this.#userId };
    writeResolved(this.#tx, conflict.conflictId, resolved);
    const known = this.#of(conflict.entityId);
    for (const version of conflict.lostVersions) known.delete(version);
  }

  /** Writes what was joined; to be called at the end of the transaction. */
  flush(): void {
    for (const { conflict } of this.#joined) writeJoined(this.#tx, conflict);
  }

  #of(entityId: string): Map<string, Open> {
    let known = this.#known.get(entityId);
    if (!known) {
      known = new Map();
      for (const conflict of readOpenConflictsOf(this.#tx, entityId)) {
        const open = { conflict };
        for (const version of conflict.lostVersions) known.set(version, open);
      }
      this.#known.set(entityId, known);
    }
    return known;
  }
}
