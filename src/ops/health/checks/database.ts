import { statSync } from 'node:fs';

import type { Clock } from '../../../base/clock.ts';
import type { Store } from '../../../base/store.ts';
import type { Check, Finding } from '../types.ts';

import { errorText, HubError } from '../../../base/errors.ts';
import { toIso } from '../../../base/clock.ts';
import { probeDisk, probeStore } from '../../../base/store-probe.ts';
import { sizeText } from '../../io.ts';

/** Where nothing else was committed for so long, a page is written to see whether the disk takes it. */
const PROVE_EVERY_MS = 10 * 60_000;
/** A checkpoint empties the log at 4 MiB; where it has grown so far, checkpoints do not come through. */
const WAL_WARN_BYTES = 64 * 1024 * 1024;

export interface DatabaseCheckOptions {
  readonly store: Pick<Store, 'write' | 'fault' | 'file' | 'counters'>;
  readonly clock: Clock;
  /** How the last search for damage went; null where there was none yet. */
  readonly lastSearch: () => { readonly endedMs: number; readonly error: string | null } | null;
}

/** Whether the database answers, takes writes, and was found sound. */
export function databaseCheck({ store, clock, lastSearch }: DatabaseCheckOptions): Check {
  let commits = -1;
  let refused = store.counters.refused;
  let provedAtMs = Number.NEGATIVE_INFINITY;
  const prove = (): void => {
    const nowMs = clock.monotonicMs();
    // A commit of anybody's is a proof.
    if (commits !== -1 && store.counters.commits !== commits) provedAtMs = nowMs;
    if (nowMs - provedAtMs < PROVE_EVERY_MS) probeStore(store);
    else {
      probeDisk(store);
      provedAtMs = nowMs;
    }
    commits = store.counters.commits;
  };
  return {
    name: 'database',
    look: () => {
      const search = lastSearch();
      const bytes = sizeOf(store.file);
      const walBytes = sizeOf(`${store.file}-wal`);
      const details = {
        file: store.file,
        bytes,
        wal_bytes: walBytes,
        commits: store.counters.commits,
        refused: store.counters.refused,
        last_search_for_damage: search && toIso(search.endedMs),
      };
      const refusedNow = store.counters.refused - refused;
      refused = store.counters.refused;
      if (store.fault !== null) return { ...untrusted(store.fault), details };
      try {
        prove();
      } catch (error) {
        // The probe's own refusal is told here and not once more the next time.
        refused = store.counters.refused;
        return { ...unwritable(error), details };
      }
      if (search?.error) return { ...damaged(search.error), details };
      if (refusedNow > 0) {
        return {
          status: 'warn',
          summary: `It works now, but ${refusedNow} writes were refused since it was looked at last.`,
          whatToDo: 'Look at the check of the disk, and at the hub’s log for what was not stored.',
          details,
        };
      }
      if (walBytes > WAL_WARN_BYTES) {
        return {
          status: 'warn',
          summary: `Its log has grown to ${sizeText(walBytes)}: what it holds does not get into the database file.`,
          whatToDo:
            'Something else keeps the database open, or the disk is very slow. End other programs that read it (sqlite3, a backup), then restart the hub.',
          details,
        };
      }
      return { status: 'ok', summary: `It answers and takes writes; it has ${sizeText(bytes)}.`, details };
    },
  };
}

function untrusted(fault: string): Finding {
  return {
    status: 'fail',
    isFatal: true,
    summary: `The disk did not confirm a write (${fault}). Nothing that is changed now is acknowledged.`,
    whatToDo:
      'The card or disk is failing, or was pulled out. Look at `dmesg`, make a backup to another disk now, and replace it.',
  };
}

function unwritable(error: unknown): Finding {
  if (error instanceof HubError && error.kind === 'storage_full') {
    return {
      status: 'fail',
      summary: 'The disk is full: nothing new is stored. Devices, Apple Home and reading go on.',
      whatToDo: 'Free some space: see the check of the disk.',
    };
  }
  return {
    status: 'fail',
    isFatal: true,
    summary: `It takes no writes: ${errorText(error)}`,
    whatToDo:
      'Look at `dmesg` and `mount`: a card that fails is often mounted read-only. Make a backup to another disk, and replace it.',
  };
}

function damaged(error: string): Finding {
  return {
    status: 'fail',
    isFatal: true,
    summary: `The last search for damage did not end well: ${error}`,
    whatToDo:
      'Run `funkygibbon jobs run database-check` once more. Where it says the same, stop the hub, keep a copy of the file, and restore a backup.',
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
