import type { CommandIo } from './io.ts';
import type { Home, ImportReport } from './types.ts';

import { openSource, type ImportSource } from './import-source.ts';
import { counted, writeAll } from './io.ts';
import { reportText } from './report-text.ts';

export interface ImportOrder {
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * `funkygibbon import`: verifies a whole export, or a database of the Python FunkyGibbon, and has the home take it.
 * @throws HubError `invalid` when the file is neither, or not whole: then nothing was written.
 */
export async function runImport(home: Home, order: ImportOrder, io: CommandIo): Promise<void> {
  await using source = await openSource(order.file, io);
  io.progress('checking the file');
  await source.verify();
  const taken = await home.import(withProgress(source, io), { dryRun: order.dryRun, signal: io.signal });
  const report = together(taken, source);
  await writeAll(
    io.stdout,
    order.json
      ? `${JSON.stringify(report)}\n`
      : reportText(report, `${source.kind} ${order.file === '-' ? 'on standard input' : order.file}`),
  );
}

async function* withProgress(source: ImportSource, io: CommandIo): AsyncGenerator<string> {
  let records = 0;
  for await (const line of source.lines()) {
    io.signal.throwIfAborted();
    yield line;
    records += 1;
    if (records % 100 === 0) io.progress(`${counted(records, 'record')} read`);
  }
}

/** What the home says of the records, and what the source had to say before they were records. */
function together(report: ImportReport, { findings }: ImportSource): ImportReport {
  return {
    ...report,
    folded: [...findings.folded.list(), ...report.folded],
    refused: [...findings.refused.list(), ...report.refused],
    warnings: [...findings.warnings.list(), ...report.warnings],
  };
}
