import { z } from 'zod';

import type { ExportSummary, Home, ImportReport } from './types.ts';

import { toLines } from './lines.ts';

/** What moves between the command line and the running hub besides the order and the answer. */
export interface TaskStreams {
  /** What the other side sends, until it says that this is all. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Sends a piece; resolves when there is room for the next. */
  readonly output: (piece: Uint8Array) => Promise<void>;
  /** Aborted when the other side has gone. */
  readonly signal: AbortSignal;
}

/** Has the running hub do a task; what carries it (a socket) is not looked at here. */
export type RunTask = (
  command: string,
  args: Readonly<Record<string, unknown>>,
  streams: {
    readonly input?: AsyncIterable<Uint8Array>;
    readonly output?: (piece: Uint8Array) => Promise<void>;
    readonly signal?: AbortSignal;
  },
) => Promise<unknown>;

const exportArgs = z.object({ mode: z.enum(['history', 'current']) });
const importArgs = z.object({ dry_run: z.boolean() });
const seedArgs = z.object({ dry_run: z.boolean(), force: z.boolean() });

/** A home as tasks that the command line can ask for by name. */
export function homeTasks(
  home: Home,
): Readonly<Record<string, (args: unknown, streams: TaskStreams) => Promise<unknown>>> {
  return {
    async export(args, { output, signal }) {
      return await home.export(exportArgs.parse(args).mode, output, signal);
    },
    async import(args, { input, signal }) {
      const { dry_run: dryRun } = importArgs.parse(args);
      return await home.import(toLines(input), { dryRun, signal });
    },
    async seed(args, { signal }) {
      const { dry_run: dryRun, force } = seedArgs.parse(args);
      return await home.seed({ dryRun, force, signal });
    },
  };
}

/** The home of the running hub. Hub and command line are one program: what it answers has the type it was given. */
export function remoteHome(run: RunTask): Home {
  const withSignal = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
    signal ? { signal } : {};
  return {
    async export(mode, write, signal) {
      return (await run('export', { mode }, { output: write, ...withSignal(signal) })) as ExportSummary;
    },
    async import(lines, { dryRun, signal }) {
      return (await run(
        'import',
        { dry_run: dryRun },
        { input: toPieces(lines), ...withSignal(signal) },
      )) as ImportReport;
    },
    async seed({ dryRun, force, signal }) {
      return (await run('seed', { dry_run: dryRun, force }, withSignal(signal))) as ImportReport;
    },
  };
}

/** A piece is about this long: a line alone would cost more to send than to read. */
const PIECE_CHARACTERS = 64 * 1024;

async function* toPieces(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let piece = '';
  for await (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (piece !== '') yield Buffer.from(piece);
}
