import type { EntityVersion } from '../../graph/types.ts';

import { parseTimeMicros, toV2SourceType } from '../../graph/graph.ts';
import { SOURCE_TYPES } from '../../graph/types.ts';

/** Two edits that are less apart were made at the same time as far as anybody can tell: their versions decide. */
const SAME_TIME_MICROS = 1_000_000;
/** What a client's clock may be ahead of the hub's. */
const MAX_SKEW_MICROS = 2_000_000;

/** What became of an edit that did not know of the current version. The strategies are for clients to show. */
export interface Verdict {
  readonly winner: 'remote' | 'local';
  readonly strategy: string;
}

/** The current version, as far as the rule needs it. */
export type Local = Pick<EntityVersion, 'version' | 'validMicros' | 'storedMicros'>;

/** Everything up to and including the first offset. */
const TIME_AND_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?[+-]\d{2}:\d{2}/;

/** The time inside a version text, RFC 3339; undefined where it has none: versions are opaque. */
export function versionTime(version: string): string | undefined {
  const time = TIME_AND_OFFSET.exec(version)?.[0];
  return time !== undefined && parseTimeMicros(time) !== undefined ? time : undefined;
}

/**
 * The conflict rule of INBETWEENIES-V2.md 4.4: the later edit wins, by the time inside the versions. A clock that is ahead
 * counts no further than shortly after the hub had the version; else one phone in 2099 would win for seventy years.
 */
export function resolve(remoteVersion: string, local: Local, nowMicros: number): Verdict {
  const localMicros = timeMicrosOf(local.version, local.storedMicros) ?? local.validMicros;
  // Without a time of its own the edit counts as made when the current one was.
  const remoteMicros = timeMicrosOf(remoteVersion, nowMicros) ?? localMicros;
  const difference = remoteMicros - localMicros;
  if (Math.abs(difference) >= SAME_TIME_MICROS) return difference > 0 ? REMOTE_NEWER : LOCAL_NEWER;
  return compareVersions(remoteVersion, local.version) > 0 ? REMOTE_GREATER : LOCAL_GREATER;
}

/** The verdict about an edit that has lost before: it is told again, and cannot win any more. */
export function lostBefore(remoteVersion: string, local: Local, nowMicros: number): Verdict {
  const verdict = resolve(remoteVersion, local, nowMicros);
  if (verdict.winner === 'local') return verdict;
  return verdict === REMOTE_GREATER ? LOCAL_GREATER : LOCAL_NEWER;
}

const REMOTE_GREATER: Verdict = {
  winner: 'remote',
  strategy: 'timestamps within 1s, remote has greater version',
};
const LOCAL_GREATER: Verdict = {
  winner: 'local',
  strategy: 'timestamps within 1s, local has greater version',
};
const REMOTE_NEWER: Verdict = { winner: 'remote', strategy: 'remote has newer timestamp' };
const LOCAL_NEWER: Verdict = { winner: 'local', strategy: 'local has newer timestamp' };

function timeMicrosOf(version: string, receivedMicros: number): number | undefined {
  const time = versionTime(version);
  const micros = time === undefined ? undefined : parseTimeMicros(time);
  return micros === undefined ? undefined : Math.min(micros, receivedMicros + MAX_SKEW_MICROS);
}

/** By code point, which is the order of UTF-8 bytes and not that of UTF-16 units. */
export function compareVersions(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The source type to be stored. What the hub does not know was brought in from somewhere; and a client that echoes what
 * it was told for a row does not mean to change it.
 * @param sent lower-case
 * @param stored of the current version; undefined where there is none
 */
export function toStoredSourceType(sent: string, stored: string | undefined): string {
  const known = (SOURCE_TYPES as readonly string[]).includes(sent) ? sent : 'imported';
  return stored !== undefined && toV2SourceType(stored) === known ? stored : known;
}
