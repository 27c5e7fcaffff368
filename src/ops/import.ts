import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Graph } from '../graph/graph.ts';
import type { FileRecord } from './format.ts';
import type { ImportOptions, ImportReport } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { HUB_AUTHOR } from '../graph/types.ts';
import { parseRecord } from './format.ts';
import { RehearsalTarget, WriterTarget } from './import-target.ts';
import { Importer } from './importer.ts';

/** How long one transaction should hold the event loop. The number of rows in it follows from the machine. */
const SLICE_MS = 6;
const ROWS = { first: 50, fewest: 10, most: 200 };
/** A slice ends before its rows when their text has grown to this. */
const SLICE_CHARACTERS = 256 * 1024;
/** The import is never further ahead of the disk than this many rows: else the WAL would grow faster than it is synced. */
const ROWS_AHEAD_OF_DISK = 2000;

/**
 * Takes the records of a file into the graph, in transactions of some ten to two hundred rows, between which the event loop
 * turns. Headers and ends are passed over: whoever calls has verified the file. When it returns, what was taken is
 * durable. Cut off at any point, it goes on when the same file is imported again.
 * @throws HubError when the disk refuses or `lines` fails, saying how far it came.
 */
export async function importGraph(
  graph: Graph,
  lines: AsyncIterable<string>,
  options: ImportOptions & { clock: Clock },
): Promise<ImportReport> {
  const { dryRun, signal, clock } = options;
  await graph.settled();
  const importer = new Importer(graph.committedSeq, clock.nowMs() * 1000);
  const rehearsal = dryRun ? new RehearsalTarget(graph) : undefined;
  const write = (records: readonly FileRecord[]): void => {
    if (rehearsal) for (const record of records) importer.take(rehearsal, record);
    else {
      graph.transaction((writer) => {
        const target = new WriterTarget(graph, writer);
        for (const record of records) importer.take(target, record);
      });
    }
  };
  let done = 0;
  try {
    for await (const slice of toSlices(lines, importer, clock)) {
      signal?.throwIfAborted();
      slice.run(write);
      done += slice.length;
      if (done % ROWS_AHEAD_OF_DISK < slice.length) await graph.settled();
      else await setImmediate();
    }
    signal?.throwIfAborted();
    const ended = dryRun
      ? 0
      : graph.transaction((writer) => writer.settleEdges(importer.unsettledSeq, HUB_AUTHOR));
    await graph.settled();
    return importer.report({ dryRun, ended });
  } catch (error) {
    if (dryRun || done === 0) throw error;
    throw new HubError(
      error instanceof HubError ? error.kind : 'unavailable',
      `The import stopped after ${done} records: ${errorText(error)} What was taken so far stays. Import the same file ` +
        'again to go on from there.',
      { cause: error },
    );
  }
}

/** Some records that one transaction takes. */
interface Slice {
  readonly length: number;
  /** Hands the records to `write` and measures how long they take. */
  run(write: (records: readonly FileRecord[]) => void): void;
}

async function* toSlices(
  lines: AsyncIterable<string>,
  importer: Importer,
  clock: Clock,
): AsyncGenerator<Slice> {
  let rows = ROWS.first;
  let records: FileRecord[] = [];
  let characters = 0;
  const take = (): Slice => {
    const taken = records;
    records = [];
    characters = 0;
    return {
      length: taken.length,
      run(write) {
        const startedMs = clock.monotonicMs();
        write(taken);
        const tookMs = clock.monotonicMs() - startedMs;
        if (tookMs > SLICE_MS * 1.5) rows = Math.max(ROWS.fewest, Math.floor(rows / 2));
        else if (tookMs < SLICE_MS / 2) rows = Math.min(ROWS.most, rows * 2);
      },
    };
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    try {
      records.push(parseRecord(line));
    } catch (error) {
      importer.refuse('records that could not be read', `record ${number}: ${errorText(error)}`);
    }
    characters += line.length;
    if (records.length >= rows || characters >= SLICE_CHARACTERS) yield take();
  }
  if (records.length > 0) yield take();
}
