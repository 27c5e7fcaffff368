import type { VersionMark } from './types.ts';

/** A parent dated further ahead than this is not followed: one phone in 2099 must not drag the others along. */
const FOLLOW_LIMIT_MICROS = 24 * 3600 * 1_000_000;
const MAX_COUNTER = 999_999;
const VERSION_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:Z|\+00:00)-/;

/**
 * Makes the next version, `{utc-iso8601, microseconds}+00:00-{counter:06d}-{author}`. It differs from every version
 * made since `last` and sorts after them and after its parents, whatever the wall clock does. The returned mark has to
 * be stored together with what the version names.
 *
 * The hub's `VersionSource` makes its own versions by the same rules, in code of its own: this library stands alone, and
 * neither of the two may have to change because the other one does.
 */
export function nextVersion(
  last: VersionMark,
  options: { nowMs: number; author: string; parents: readonly string[] },
): { version: string; time: string; mark: VersionMark } {
  const wall = Math.floor(options.nowMs) * 1000;
  let micros = Math.max(wall, last.micros);
  for (const parent of options.parents) {
    const parentMicros = versionMicros(parent);
    if (parentMicros !== undefined && parentMicros >= micros && parentMicros <= wall + FOLLOW_LIMIT_MICROS) {
      micros = parentMicros + 1;
    }
  }
  let counter = micros === last.micros ? last.counter + 1 : 0;
  if (counter > MAX_COUNTER) {
    micros += 1;
    counter = 0;
  }
  const time = microsText(micros);
  const version = `${time}-${String(counter).padStart(6, '0')}-${options.author}`;
  return { version, time, mark: { micros, counter } };
}

function versionMicros(version: string): number | undefined {
  const match = VERSION_TIME.exec(version);
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}Z`);
  return Number.isNaN(ms) ? undefined : ms * 1000 + Number((match[2] ?? '').padEnd(6, '0'));
}

/** Microseconds since the Unix epoch as `2026-01-01T00:00:00.000000+00:00`. */
function microsText(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros - ms * 1000).padStart(3, '0')}+00:00`;
}
