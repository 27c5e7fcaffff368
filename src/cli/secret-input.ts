import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import { HubError } from '../base/errors.ts';

/** What a secret, or an answer, is read from. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

/** More is no password but a file by mistake. */
const MAX_BYTES = 4096;

/**
 * Asks for a password at the terminal, twice and unseen; without a terminal it is the first line of standard input.
 * @throws HubError `invalid` where nothing comes or the two differ.
 */
export async function askPassword(terminal: Terminal, signal: AbortSignal): Promise<string> {
  if (!terminal.stdin.isTTY) return await firstLine(terminal.stdin);
  const first = await askUnseen(terminal, 'Password: ', signal);
  if ((await askUnseen(terminal, 'Once more: ', signal)) === first) return first;
  throw new HubError('invalid', 'The two are not the same. Nothing was changed.');
}

/** Asks for a yes; without a terminal the answer is no. */
export async function askYes(terminal: Terminal, question: string, signal: AbortSignal): Promise<boolean> {
  if (!terminal.stdin.isTTY) return false;
  const reader = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    reader.close();
  }
}

async function askUnseen({ stdin, stderr }: Terminal, label: string, signal: AbortSignal): Promise<string> {
  stderr.write(label);
  // readline echoes into the void.
  const output = new Writable({ write: (_, __, done) => done() });
  const reader = createInterface({ input: stdin, output, terminal: true });
  try {
    return await reader.question('', { signal });
  } finally {
    reader.close();
    stderr.write('\n');
  }
}

async function firstLine(stdin: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const piece of stdin) {
    text += String(piece);
    if (text.includes('\n') || text.length > MAX_BYTES) break;
  }
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new HubError(
    'invalid',
    'A password is read from standard input, and nothing came. Type it at a terminal, or pipe it in.',
  );
}
