import { createHash } from 'node:crypto';

import type { End, Header } from './format.ts';

import { errorText, HubError } from '../base/errors.ts';
import { FORMAT, FORMAT_VERSION, parseRecord } from './format.ts';
import { decodeLine, toByteLines } from './lines.ts';

const MAKE_IT_AGAIN =
  'Nothing was imported. Copy the file again from where it was made, or make a new export.';

/**
 * Looks at a whole export before anything of it is believed: that every record has its shape, that the file ends with
 * what it should, and that no byte was changed on the way.
 * @throws HubError `invalid` naming the line and the field, and what to do.
 */
export async function verifyExport(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash('sha256');
  const counts = { entities: 0, relationships: 0 };
  let header: Header | undefined;
  let end: End | undefined;
  let number = 0;
  for await (const bytes of toByteLines(chunks)) {
    number += 1;
    if (end) {
      if (bytes.toString('latin1').trim() === '') continue;
      throw new HubError('invalid', `Line ${number} follows the end of the export. ${MAKE_IT_AGAIN}`);
    }
    const record = atLine(number, () => parseRecord(decodeLine(bytes)));
    if (record.record === 'end') {
      end = record;
      continue;
    }
    hash.update(bytes).update('\n');
    if (number === 1 && record.record === 'header') header = checkHeader(record);
    else if (number === 1 || record.record === 'header') throw notAnExport();
    else if (record.record === 'entity') counts.entities += 1;
    else counts.relationships += 1;
  }
  if (!header) throw notAnExport();
  if (!end) {
    throw new HubError(
      'invalid',
      `The file ends after line ${number}, before its end record: it was cut off. ${MAKE_IT_AGAIN}`,
    );
  }
  const { entities, relationships } = counts;
  const told = `${end.entities} and ${end.relationships}`;
  if (end.entities !== entities || end.relationships !== relationships) {
    throw new HubError(
      'invalid',
      `The end record counts ${told} versions of entities and relationships, the file holds ${entities} and ` +
        `${relationships}. ${MAKE_IT_AGAIN}`,
    );
  }
  if (end.sha256 !== hash.digest('hex')) {
    throw new HubError(
      'invalid',
      `The file is not as it was exported: its SHA-256 differs from the one in its end record. ${MAKE_IT_AGAIN}`,
    );
  }
}

function checkHeader(header: Header): Header {
  if (header.format !== FORMAT) throw notAnExport();
  if (header.format_version !== FORMAT_VERSION) {
    throw new HubError(
      'invalid',
      `The file has format version ${header.format_version} (FunkyGibbon ${header.hub_version} made it), this program ` +
        `reads ${FORMAT_VERSION}. Import it with a newer FunkyGibbon.`,
    );
  }
  return header;
}

function atLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (number === 1) throw notAnExport(error);
    const field = error instanceof HubError ? error.field : undefined;
    const what =
      field === undefined
        ? `Line ${number} is no whole record (${errorText(error)}): the file was cut off or changed there.`
        : `Line ${number}: ${errorText(error)}.`;
    throw new HubError('invalid', `${what} ${MAKE_IT_AGAIN}`, {
      ...(field === undefined ? {} : { field }),
      cause: error,
    });
  }
}

function notAnExport(cause?: unknown): HubError {
  return new HubError(
    'invalid',
    'This is neither an export of FunkyGibbon (its first line is a header record) nor a database of the Python ' +
      'FunkyGibbon. Nothing was imported.',
    { cause },
  );
}
