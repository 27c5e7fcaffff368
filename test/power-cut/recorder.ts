import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { WorkloadReport } from './workload.ts';

/** The recorder is C and works by LD_PRELOAD, so it needs a compiler and Linux. */
export function canRecord(): boolean {
  return process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
}

/** Compiles the recorder into `folder`; returns the library's path. */
export function buildRecorder(folder: string): string {
  const library = join(folder, 'recorder.so');
  const source = fileURLToPath(new URL('recorder.c', import.meta.url));
  execFileSync('cc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-o',
    library,
    source,
    '-ldl',
    '-lpthread',
  ]);
  return library;
}

export interface RecordingOptions {
  library: string;
  /** An empty folder for the data, the log and the acks of this run. */
  folder: string;
  /** Further arguments of workload.ts, `--commits=600`. */
  workload?: readonly string[];
  /** Each sync takes at least so long, so that commits and checkpoints overlap with it. */
  slowSyncUs?: number;
  /** The sync that fails, counted from 1 at the start of the process. */
  failSyncAt?: number;
  /** False runs the workload without keeping a record, for measurements. */
  keepRecord?: boolean;
  timeoutMs?: number;
}

export interface Recording {
  /** The watched folder, as the records name it. */
  dataFolder: string;
  logFile: string;
  report: WorkloadReport;
}

/** Runs the workload to its end under the recorder. */
export async function recordWorkload(options: RecordingOptions): Promise<Recording> {
  const folder = realpathSync(options.folder);
  const dataFolder = join(folder, 'data');
  const logFile = join(folder, 'record');
  mkdirSync(dataFolder);
  const script = fileURLToPath(new URL('workload.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    [script, `--folder=${dataFolder}`, `--acks=${join(folder, 'acks')}`, ...(options.workload ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      env: {
        PATH: process.env['PATH'],
        LD_PRELOAD: options.library,
        RECORD_FOLDER: dataFolder,
        ...(options.keepRecord === false ? {} : { RECORD_LOG: logFile }),
        ...(options.slowSyncUs === undefined ? {} : { SLOW_SYNC_US: String(options.slowSyncUs) }),
        ...(options.failSyncAt === undefined ? {} : { FAIL_SYNC_AT: String(options.failSyncAt) }),
      },
    },
  );
  const [output, errors, code] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve(status ?? signal));
    }),
  ]);
  if (code !== 0) throw new Error(`the workload ended with ${code}: ${errors}`);
  return { dataFolder, logFile, report: JSON.parse(output) as WorkloadReport };
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
