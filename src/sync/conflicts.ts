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

/** The conflicts that wait for somebody to decide, as one transaction sees and changes them. */
export class OpenConflicts {
  readonly #tx: Tx;
  readonly #userId: string;
  readonly #nowMs: number;

  /** @param userId who pushes or decides */
  constructor(tx: Tx, userId: string, nowMs: number) {
    this.#tx = tx;
    this.#userId = userId;
    this.#nowMs = nowMs;
  }

  /** The open conflict of an entity in which one of these versions lost. */
  lostBy(entityId: string, versions: readonly string[]): Conflict | undefined {
    return readOpenConflictsOf(this.#tx, entityId).find((conflict) =>
      versions.some((version) => conflict.lostVersions.includes(version)),
    );
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
    return conflict;
  }

  /** A change that descends from the loser of a conflict takes its place in it. */
  join(conflict: Conflict, change: LostChange): Conflict {
    const joined: Conflict = {
      ...conflict,
      remoteVersion: change.version,
      lostVersions: [...conflict.lostVersions, change.version],
      userId: this.#userId,
      deviceId: change.deviceId,
    };
    writeJoined(this.#tx, joined);
    return joined;
  }

  /** Closes a conflict: somebody has decided, or has made a version from both sides. */
  close(conflict: Conflict, how: Pick<ResolvedConflict, 'resolution' | 'version'>): Conflict {
    const resolved = { ...how, atMs: this.#nowMs, userId: this.#userId };
    writeResolved(this.#tx, conflict.conflictId, resolved);
    return { ...conflict, resolved };
  }
}
