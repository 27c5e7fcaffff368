import { PassThrough, pipeline, Readable } from 'node:stream';

import type { FastResponse } from 'srvx';

import { errorCode } from '../base/errors.ts';
import { encoderFor, type BodyEncoding } from './encoding.ts';

/** A body that has begun: its first chunks, and what makes the others. */
export interface BegunBody {
  readonly first: string;
  readonly rest: AsyncIterator<string>;
}

/** A body up to this long, in UTF-16 units, is sent whole, with its length. */
const WHOLE_LENGTH = 32 * 1024;

/**
 * Takes the first chunks of a body, so that what fails at once can still be answered as an error.
 * @returns the whole text where it is short.
 */
export async function begin(body: AsyncIterable<string>): Promise<string | BegunBody> {
  const rest = body[Symbol.asyncIterator]();
  let first = '';
  while (first.length <= WHOLE_LENGTH) {
    const next = await rest.next();
    if (next.done) return first;
    first += next.value;
  }
  return { first, rest };
}

type Body = ConstructorParameters<typeof FastResponse>[0];

/**
 * The body as a stream that asks for a chunk when the one before it has gone out. A client that goes away destroys the
 * stream, and that ends the iterator. What breaks half-way can be told to the log only: the connection is cut, and so
 * the client sees that the answer is not whole.
 */
export function streamOf(
  body: BegunBody,
  encoding: BodyEncoding | null,
  onBroken: (error: unknown) => void,
): Body {
  const plain = Readable.from(joined(body, onBroken), { objectMode: false });
  const stream = encoding === null ? plain : pipeline(plain, encoderFor(encoding), () => undefined);
  return stream;
}

/** The same for bytes, which nobody packs. */
export function byteStreamOf(bytes: AsyncIterable<Uint8Array>, onBroken: (error: unknown) => void): Body {
  const source = Readable.from(bytes, { objectMode: false });
  const stream = pipeline(source, new PassThrough(), (error) => {
    if (error && errorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') onBroken(error);
  });
  return stream;
}

async function* joined(
  { first, rest }: BegunBody,
  onBroken: (error: unknown) => void,
): AsyncGenerator<string> {
  const next = async (): Promise<IteratorResult<string, unknown>> => {
    try {
      return await rest.next();
    } catch (error) {
      onBroken(error);
      throw error;
    }
  };
  try {
    yield first;
    for (let step = await next(); step.done !== true; step = await next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}
