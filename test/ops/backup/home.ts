import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { BackupSettings } from '../../../src/ops/backup/types.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { newId } from '../../../src/base/ids.ts';
import { keepValue } from '../../../src/base/kept-values.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Graph } from '../../../src/graph/graph.ts';
import { COUNT_ENTITIES, graphTables } from '../../../src/graph/tables.ts';
import { Backups, type BackupsOptions } from '../../../src/ops/backup/backups.ts';
import { backupTables } from '../../../src/ops/backup/tables.ts';
import { openTestStore, temporaryFolder } from '../../support/store.ts';

const DAY_MS = 24 * 3600_000;

/** A small home and its backups, without a hub around it. */
export class BackupHome implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly #folder = temporaryFolder();
  readonly #stack = new AsyncDisposableStack();
  readonly dataDir = join(this.#folder.path, 'data');
  readonly directory = join(this.dataDir, 'backups');
  graph!: Graph;
  backups!: Backups;
  #options!: Omit<BackupsOptions, 'settings'>;

  static async open(settings: Partial<BackupSettings> = {}): Promise<BackupHome> {
    const home = new BackupHome();
    mkdirSync(home.dataDir, { mode: 0o700 });
    const store = home.#stack.use(await openTestStore(home.dataDir, [graphTables, backupTables], home.clock));
    keepValue(store, 'node_id', newId);
    home.graph = home.#stack.use(new Graph({ store, clock: home.clock, log: silentLogger }));
    home.#options = {
      source: {
        store,
        dataDir: home.dataDir,
        configFile: null,
        hubVersion: '1.0.0',
        homeName: 'Das Haus am See',
        countSql: COUNT_ENTITIES,
      },
      enabled: true,
      clock: home.clock,
      log: silentLogger,
      dueEveryMs: DAY_MS,
    };
    home.use(settings);
    return home;
  }

  /** The same home with other settings. */
  use(settings: Partial<BackupSettings>, options: Partial<BackupsOptions> = {}): Backups {
    this.backups = new Backups({
      ...this.#options,
      ...options,
      settings: {
        directory: this.directory,
        isOwnFolder: settings.directory === undefined,
        keep: 7,
        keepDays: null,
        requireMount: false,
        passphrase: null,
        s3: null,
        ...settings,
      },
    });
    return this.backups;
  }

  get store(): BackupsOptions['source']['store'] {
    return this.#options.source.store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    this.#folder[Symbol.dispose]();
  }
}
