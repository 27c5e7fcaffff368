import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';

import type { Terminal } from '../base/terminal.ts';

import { errorText, HubError } from '../base/errors.ts';
import { askLine } from '../base/terminal.ts';

/** More is no password but a file by mistake. */
const MAX_CHARS = 4096;

/**
 * Asks for a password at the terminal, twice and unseen; without a terminal it is the first line of standard input.
 * @throws HubError `invalid` where nothing comes or the two differ.
 */
export async function askPassword(terminal: Terminal): Promise<string> {
  if (terminal.stdin.isTTY !== true) return await firstLine(terminal.stdin);
  const first = await askLine(terminal, 'Password: ', true);
  if ((await askLine(terminal, 'Once more: ', true)) === first) return first;
  throw new HubError('invalid', 'The two are not the same. Nothing was changed.');
}

async function firstLine(stdin: Terminal['stdin']): Promise<string> {
  let text = '';
  for await (const piece of stdin) {
    text += String(piece);
    if (text.includes('\n') || text.length > MAX_CHARS) break;
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new HubError(
    'invalid',
    'A password is read from standard input, and nothing came. Type it at a terminal, or pipe it in.',
  );
}

/** The text of a file, or with "-" of standard input. @throws HubError `not_found`. */
export async function readText(file: string): Promise<string> {
  if (file === '-') return await readAll(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new HubError('not_found', `${file} cannot be read: ${errorText(error)}`);
  }
}
