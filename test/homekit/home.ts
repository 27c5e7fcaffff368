import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Logger } from '../../src/base/log.ts';
import type { HomekitOptions, HomekitPart } from '../../src/homekit/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { startHomekit } from '../../src/homekit/homekit.ts';
import { homekitTables } from '../../src/homekit/tables.ts';
import { FakeDevices } from './fake-devices.ts';

/** A home with a database on disk, made-up devices and, one at a time, a bridge that is started and stopped. */
export class Home implements AsyncDisposable {
  readonly devices = new FakeDevices();
  readonly store: Store;
  readonly #folder: string;
  #part: HomekitPart | undefined;

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.store = store;
  }

  /** @param fill puts something into the database file before the hub opens it */
  static async open(fill?: (file: string) => void | Promise<void>): Promise<Home> {
    const folder = mkdtempSync(join(tmpdir(), 'homekit-'));
    await fill?.(join(folder, 'hub.db'));
    const store = await Store.open({
      file: join(folder, 'hub.db'),
      clock: systemClock,
      log: silentLogger,
      migrations: [keptValueTables, homekitTables],
    });
    return new Home(folder, store);
  }

  async start(options: Partial<HomekitOptions> & { log?: Logger } = {}): Promise<HomekitPart> {
    await this.#part?.[Symbol.asyncDispose]();
    this.#part = await startHomekit({
      name: 'Test Hub',
      port: 0,
      pin: null,
      host: null,
      store: this.store,
      devices: this.devices,
      clock: systemClock,
      log: silentLogger,
      softwareVersion: '1.2.3',
      advertise: false,
      loopbackOnly: true,
      settleMs: 20,
      followMs: 300,
      ...options,
    });
    return this.#part;
  }

  async stop(): Promise<void> {
    await this.#part?.[Symbol.asyncDispose]();
    this.#part = undefined;
  }

  /** c#, the number that makes phones read the whole list again when it rises. */
  configurationNumber(username?: string): number {
    const row = this.store.db.get<{ value: string }>(
      'SELECT value FROM hap_storage WHERE key LIKE ?',
      `AccessoryInfo.${username?.replaceAll(':', '') ?? ''}%`,
    );
    return (JSON.parse(row?.value ?? '{}') as { configVersion: number }).configVersion;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.store[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A logger whose lines can be looked at. */
export function newLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ level: 'info', format: 'json', destination }), lines };
}
