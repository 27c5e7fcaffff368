import type { Clock } from '../base/clock.ts';
import type { Graph } from '../graph/graph.ts';
import type { ExportMode, ExportSummary, Home, ImportOptions, ImportReport, SeedOptions } from './types.ts';

import { HubError } from '../base/errors.ts';
import { exportGraph } from './export.ts';
import { importGraph } from './import.ts';

export {
  confirm,
  createdJson,
  createdText,
  findPassphrase,
  listText,
  manifestText,
  readPassphraseFile,
  restoredJson,
  restoredText,
  verifiedJson,
  verifiedText,
} from './backup/backup-command.ts';
export { Backups, type BackupsOptions } from './backup/backups.ts';
export { inspectStaged } from './backup/inspect.ts';
export { previewBackup, restoreBackup, type RestoreResult } from './backup/restore.ts';
export { finishRestore } from './backup/restore-swap.ts';
export type { BackupDirectory, BackupHealth, BackupSettings, BackupView, Manifest } from './backup/types.ts';
export { uploadBackup } from './backup/uploads.ts';
export { runExport, type ExportOrder } from './export-command.ts';
export { readDoctorOrder, runDoctor, type DoctorConfig } from './doctor-command.ts';
export { readLogsOrder, runLogs } from './logs-command.ts';
export { Health } from './health/health.ts';
export { hubChecks } from './health/health-checks.ts';
export { EXPOSITION_TYPE } from './metrics/exposition.ts';
export { Metrics } from './metrics/metrics.ts';
export { runImport, type ImportOrder } from './import-command.ts';
export { writeAll } from './io.ts';
export { homeTasks, remoteHome, type RunTask } from './remote-home.ts';
export { runSeed, type SeedOrder } from './seed-command.ts';
export { ServiceManager } from './service-manager.ts';

export interface LocalHomeOptions {
  readonly graph: Graph;
  readonly clock: Clock;
  readonly hubVersion: string;
}

/** The home whose database this process holds. It takes one import at a time. */
export class LocalHome implements Home {
  readonly #graph: Graph;
  readonly #clock: Clock;
  readonly #hubVersion: string;
  #importing = false;

  constructor(options: LocalHomeOptions) {
    this.#graph = options.graph;
    this.#clock = options.clock;
    this.#hubVersion = options.hubVersion;
  }

  async export(
    mode: ExportMode,
    write: (piece: Uint8Array) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<ExportSummary> {
    const pieces = exportGraph(this.#graph, {
      mode,
      hubVersion: this.#hubVersion,
      nowMs: this.#clock.nowMs(),
    });
    for (;;) {
      const piece = await pieces.next();
      if (piece.done) return piece.value;
      signal?.throwIfAborted();
      await write(Buffer.from(piece.value));
    }
  }

  async import(lines: AsyncIterable<string>, options: ImportOptions): Promise<ImportReport> {
    return await this.#alone(
      async () => await importGraph(this.#graph, lines, { ...options, clock: this.#clock }),
    );
  }

  async seed(options: SeedOptions): Promise<ImportReport> {
    return await this.#alone(async () => {
      // Seldom asked for: a hub need not hold a second home in memory.
      const { checkNothingElse, seedLines } = await import('./seed/seed.ts');
      if (!options.force) await checkNothingElse(this.#graph);
      return await importGraph(this.#graph, seedLines(), { ...options, clock: this.#clock });
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#importing) {
      throw new HubError(
        'conflict',
        'Another import is running on this hub. Wait until it has finished, then start this one again.',
      );
    }
    this.#importing = true;
    try {
      return await work();
    } finally {
      this.#importing = false;
    }
  }
}
