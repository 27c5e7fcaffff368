import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';

import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';

import { HubError } from '../base/errors.ts';
import { HttpProblem } from './problem.ts';

export const MIB = 1024 * 1024;

/**
 * A frame may demand a window of 128 MiB before it has brought a byte. This is what zstd uses up to level 19, and
 * nearly the largest body.
 */
const ZSTD_MAX_WINDOW_LOG = 23;

/**
 * What is still read and thrown away after a body was refused. Most clients read the answer only once they have sent
 * everything; the others find the connection closed.
 */
const DISCARD_BYTES = 16 * MIB;
const DISCARD_MS = 2000;

/**
 * Reads a body, unpacked by its Content-Encoding. It never holds more than about `limitBytes`: reading
 * and unpacking stop there.
 * @param noteBytes is told of each piece; what it throws ends the reading
 * @throws HubError `too_large`, `invalid`; HttpProblem 415 for an unknown encoding.
 */
export async function readBody(
  request: IncomingMessage,
  limitBytes: number,
  noteBytes: (bytes: number) => void = () => undefined,
): Promise<Buffer> {
  try {
    const decoder = decoderFor(request.headers['content-encoding']);
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
    return await collect(request, decoder, { limitBytes, noteBytes });
  } catch (error) {
    await discardRest(request);
    throw error;
  }
}

/** A body as text. @throws HubError `invalid` when it is not UTF-8. */
export function toText(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new HubError('invalid', 'The body is not UTF-8 text.', { cause: error });
  }
}

function decoderFor(contentEncoding: string | undefined): Transform | null {
  switch (contentEncoding?.trim().toLowerCase() ?? 'identity') {
    case 'identity':
    case '':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_MAX_WINDOW_LOG } });
    default:
      throw new HttpProblem(
        415,
        'UNSUPPORTED_ENCODING',
        'Content-Encoding must be gzip, zstd, br or identity.',
        { 'accept-encoding': 'gzip, zstd, br' },
      );
  }
}

/** Collects what the request brings, through the decoder if there is one, up to `limitBytes` on either side of it. */
async function collect(
  request: IncomingMessage,
  decoder: Transform | null,
  { limitBytes, noteBytes }: { limitBytes: number; noteBytes: (bytes: number) => void },
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let sentBytes = 0;
  let bytes = 0;
  const onSent = (chunk: Buffer): void => {
    sentBytes += chunk.length;
    if (sentBytes > limitBytes) reject(tooLarge(limitBytes));
  };
  const onChunk = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      reject(tooLarge(limitBytes));
      return;
    }
    try {
      noteBytes(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      reject(error);
    }
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks, bytes));
  const onBroken = (): void => reject(new HttpProblem(400, 'VALIDATION_ERROR', 'The body broke off.'));
  const onClose = (): void => {
    // A request that was read to its end closes too, while the decoder may still be at work.
    if (!request.readableEnded) onBroken();
  };
  const onUndecodable = (error: Error): void =>
    reject(
      new HubError('invalid', `The body is not what its Content-Encoding says: ${error.message}.`, {
        cause: error,
      }),
    );

  request.on('error', onBroken);
  request.on('close', onClose);
  const source = decoder ?? request;
  source.on('data', onChunk);
  source.on('end', onEnd);
  if (decoder) {
    request.on('data', onSent);
    // Stays on for good: a decoder that is destroyed in the middle of its work may still report an error.
    decoder.on('error', onUndecodable);
    request.pipe(decoder);
  }
  if (request.destroyed) onClose();
  try {
    return await promise;
  } finally {
    request.off('close', onClose);
    request.off('data', onSent);
    source.off('data', onChunk);
    source.off('end', onEnd);
    if (decoder) {
      request.unpipe(decoder);
      decoder.destroy();
    }
  }
}

async function discardRest(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES) resolve();
  };
  const timer = setTimeout(resolve, DISCARD_MS);
  request.on('data', onData);
  request.on('end', resolve);
  request.on('close', resolve);
  request.resume();
  await promise;
  clearTimeout(timer);
  request.off('data', onData);
  request.pause();
}

function tooLarge(limitBytes: number): HubError {
  const limit = limitBytes >= MIB ? `${limitBytes / MIB} MiB` : `${limitBytes / 1024} KiB`;
  return new HubError('too_large', `The body is larger than ${limit}. Send less at once.`);
}
