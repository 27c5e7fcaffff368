import { hash } from 'node:crypto';

import type { ComponentSpec } from '../discovery/description.ts';
import type { NativeHost } from './types.ts';

/** Devices that one protocol may know; topics cost nothing to invent. */
export const DEVICES_PER_PROTOCOL = 1_000;

/** The devices that a protocol has told of. */
export class Announcements {
  readonly #host: NativeHost;
  readonly #digests = new Map<string, string>();

  constructor(host: NativeHost) {
    this.#host = host;
  }

  /**
   * Tells the hub, also what it was told before: it may have passed it over for a better source that is now gone.
   * @param topic where the device described itself, for complaints.
   * @returns true when it is news, so that it is worth asking the device for its state
   */
  announce(topic: string, key: string, components: readonly ComponentSpec[]): boolean {
    const before = this.#digests.get(key);
    if (before === undefined && this.#digests.size >= DEVICES_PER_PROTOCOL) {
      this.#host.complain(topic, `the hub knows ${DEVICES_PER_PROTOCOL} such devices already`);
      return false;
    }
    const digest = hash('sha1', JSON.stringify(components), 'base64');
    this.#digests.set(key, digest);
    this.#host.announce(key, components);
    return before !== digest;
  }

  has(key: string): boolean {
    return this.#digests.has(key);
  }

  /** Also for a device of an earlier run, which only the registry still knows. */
  withdraw(key: string): void {
    this.#digests.delete(key);
    this.#host.withdraw(key);
  }
}
