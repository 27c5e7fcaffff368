import { existsSync } from 'node:fs';
import { Writable } from 'node:stream';

import type { Graph } from '../../src/graph/graph.ts';
import type { CommandIo } from '../../src/ops/io.ts';
import type { ExportMode, ImportReport } from '../../src/ops/types.ts';
import type { TestHome } from '../support/store.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { exportGraph } from '../../src/ops/export.ts';
import { importGraph } from '../../src/ops/import.ts';
import { openTestHome, temporaryFolder } from '../support/store.ts';

/** Late enough for everything that the tests write. */
export const NOW_MS = Date.UTC(2026, 10, 20);

/** A home on a temporary folder of its own. */
export async function openOwnHome(nowMs = NOW_MS): Promise<TestHome & { readonly folder: string }> {
  const folder = temporaryFolder();
  const home = await openTestHome(folder.path, new ManualClock(nowMs));
  return {
    ...home,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** The lines of an export, without their line feeds. */
export async function exportedLines(graph: Graph, mode: ExportMode = 'history'): Promise<string[]> {
  return (await exportedText(graph, mode)).trimEnd().split('\n');
}

export async function exportedText(graph: Graph, mode: ExportMode = 'history'): Promise<string> {
  let text = '';
  for await (const piece of exportGraph(graph, { mode, hubVersion: '0.0.0', nowMs: 0 })) text += piece;
  return text;
}

export async function importLines(
  home: TestHome,
  lines: readonly string[],
  options: { dryRun?: boolean } = {},
): Promise<ImportReport> {
  return await importGraph(home.graph, toStream(lines), {
    dryRun: options.dryRun ?? false,
    clock: home.clock,
  });
}

export async function* toStream<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** What a command writes, and where it may put things. */
export function testIo(
  scratchFolder: string,
  stdin: readonly Uint8Array[] = [],
): { io: CommandIo; out: () => string; err: () => string; stop: AbortController } {
  if (!existsSync(scratchFolder)) throw new Error(`${scratchFolder} is not there`);
  const [stdout, stderr] = [new Sink(), new Sink()];
  const stop = new AbortController();
  const io = {
    stdin: toStream(stdin),
    stdout,
    stderr,
    scratchFolder,
    progress: () => undefined,
    signal: stop.signal,
  };
  return { io, out: () => stdout.text, err: () => stderr.text, stop };
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}
