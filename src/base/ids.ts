import { createHash, randomBytes, randomUUIDv7 } from 'node:crypto';

import type { Clock } from './clock.ts';

/** A new entity, relationship or connection id: a UUID whose leading bits are time, so that index inserts stay local. */
export function newId(): string {
  return randomUUIDv7();
}

/** Random text of `bytes` bytes of entropy in base64url. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** Base64url of the first `bytes` bytes of a SHA-256 over `text`. */
export function shortHash(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}

const VERSION_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:Z|\+00:00)-/;

/**
 * The time that a version text begins with, in microseconds since the Unix epoch, or undefined where the version is
 * not of the `{iso8601}+00:00-{…}` shape (client versions are opaque: PROTOCOL.md section 1).
 */
export function versionMicros(version: string): number | undefined {
  const match = VERSION_TIME.exec(version);
  if (!match) return undefined;
  const seconds = Date.parse(`${match[1]}Z`);
  return Number.isNaN(seconds) ? undefined : seconds * 1000 + Number((match[2] ?? '').padEnd(6, '0'));
}

/** Microseconds since the Unix epoch as `2026-01-01T00:00:00.000000+00:00`. */
export function microsToVersionTime(micros: number): string {
  const ms = Math.floor(micros / 1000);
  const rest = String(micros - ms * 1000).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}+00:00`;
}

/**
 * Makes the hub's own versions, `{utc-iso8601, microseconds}+00:00-{counter:06d}-{author}` (PROTOCOL.md section 1).
 * Each sorts after every version this instance made and after the parents given to `next`, whatever the wall clock
 * does; a parent dated more than a day ahead is not followed, so that one phone in 2099 cannot drag the hub along.
 */
export class VersionSource {
  readonly #clock: Clock;
  readonly #author: string;
  #lastMicros = 0;
  #counter = 0;
  #time = { micros: Number.NaN, text: '' };

  constructor(clock: Clock, author: string) {
    this.#clock = clock;
    this.#author = author;
  }

  next(parents: readonly string[] = []): string {
    const wall = this.#clock.nowMs() * 1000;
    let micros = Math.max(wall, this.#lastMicros);
    // Versions of this shape sort as their times do, so a parent that sorts before this moment need not be read.
    if (parents.some((parent) => parent >= this.#timeText(micros))) {
      for (const parent of parents) {
        const parentMicros = versionMicros(parent);
        if (parentMicros === undefined || parentMicros > wall + FOLLOW_LIMIT_MICROS) continue;
        if (parentMicros >= micros) micros = parentMicros + 1;
      }
    }
    this.#counter = micros === this.#lastMicros ? this.#counter + 1 : 0;
    if (this.#counter > 999_999) {
      micros += 1;
      this.#counter = 0;
    }
    this.#lastMicros = micros;
    return `${this.#timeText(micros)}-${String(this.#counter).padStart(6, '0')}-${this.#author}`;
  }

  #timeText(micros: number): string {
    if (micros !== this.#time.micros) this.#time = { micros, text: microsToVersionTime(micros) };
    return this.#time.text;
  }
}

const FOLLOW_LIMIT_MICROS = 24 * 3600 * 1_000_000;
