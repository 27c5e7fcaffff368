import { HubError } from '../base/errors.ts';
import { MAX_LINE_BYTES } from './format.ts';

const LINE_FEED = 10;

/**
 * Cuts bytes into lines, without their line feeds. The last one may miss its own.
 * @throws HubError `too_large` at a line of more than MAX_LINE_BYTES.
 */
export async function* toByteLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const last = bytes.subarray(start, end);
      yield rest.length === 0 ? last : Buffer.concat([...rest, last]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === bytes.length) continue;
    rest.push(bytes.subarray(start));
    restBytes += bytes.length - start;
    if (restBytes > MAX_LINE_BYTES) {
      throw new HubError('too_large', `A line is longer than ${MAX_LINE_BYTES} bytes; this is no export.`);
    }
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** Cuts UTF-8 into lines of text. @throws HubError `invalid` where it is not UTF-8. */
export async function* toLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const line of toByteLines(chunks)) yield decodeLine(line);
}

// `ignoreBOM` true leaves a byte order mark in the text, where it is seen and refused.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws HubError `invalid` where the bytes are not UTF-8. */
export function decodeLine(line: Uint8Array): string {
  try {
    return UTF8.decode(line);
  } catch (error) {
    throw new HubError('invalid', 'the line is not UTF-8', { cause: error });
  }
}
