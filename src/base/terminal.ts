import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** A person at a terminal, or a pipe in their place. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Asks a person and returns the line that was typed; empty where they end the asking (Ctrl-C, Ctrl-D).
 * @param isUnseen what is typed is a secret: nothing of it is shown
 */
export async function askLine(
  { stdin, stderr }: Terminal,
  question: string,
  isUnseen = false,
): Promise<string> {
  stderr.write(question);
  // readline shows what is typed; a secret goes nowhere.
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: isUnseen ? nowhere : stderr, terminal: true });
  try {
    const ended = once(reader, 'close').then(() => '');
    return await Promise.race([once(reader, 'line').then(([line]) => String(line)), ended]);
  } finally {
    reader.close();
    if (isUnseen) stderr.write('\n');
  }
}

/** Asks for a yes. */
export async function askYes(terminal: Terminal, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await askLine(terminal, `${question} [y/N] `)).trim());
}
