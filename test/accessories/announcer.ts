import { Bonjour, type Service } from 'bonjour-service';
import os from 'node:os';

import { vi } from 'vitest';

import type { FoundAccessory } from '../../src/accessories/types.ts';

/** Announces accessories by mDNS on the loopback interface, as they would themselves on a network. */
export class Announcer implements AsyncDisposable {
  readonly #bonjour = new Bonjour({ interface: '127.0.0.1', bind: '0.0.0.0' } as object);
  readonly #services = new Map<string, Service>();

  /** Anew where it is announced already. */
  announce(found: FoundAccessory, change: Partial<FoundAccessory> = {}): void {
    const { id, name, port, isPairable, configNumber, category } = { ...found, ...change };
    (this.#services.get(id)?.stop as (() => void) | undefined)?.();
    // The library leaves out the loopback interface, on which alone the accessory listens.
    const interfaces = vi
      .spyOn(os, 'networkInterfaces')
      .mockReturnValue({ lo: [{ ...LOOPBACK, family: 'IPv4' }] });
    try {
      const txt = {
        id,
        md: 'Model',
        sf: isPairable ? '1' : '0',
        'c#': String(configNumber ?? 1),
        ci: String(category ?? 5),
      };
      const host = `${id.replaceAll(':', '')}.local`;
      this.#services.set(id, this.#bonjour.publish({ name, type: 'hap', port, host, probe: false, txt }));
    } finally {
      interfaces.mockRestore();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#bonjour.destroy(resolve);
    });
  }
}

const LOOPBACK = {
  address: '127.0.0.1',
  netmask: '255.0.0.0',
  cidr: '127.0.0.1/8',
  mac: '02:00:00:00:00:01',
  internal: false,
};
