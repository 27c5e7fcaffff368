import type { Transform } from 'node:stream';

import { promisify } from 'node:util';
import {
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  zstdCompress,
} from 'node:zlib';

/** In the order in which they are preferred: zstd costs a quarter of gzip's time here, and packs better. */
const ENCODINGS = ['zstd', 'br', 'gzip'] as const;
export type BodyEncoding = (typeof ENCODINGS)[number];

/** Below this a packed body is hardly smaller, and not worth a trip to the thread pool. */
export const MIN_BYTES_TO_COMPRESS = 1024;

/** Brotli's default of 11 is meant for files that are packed once. */
const BROTLI_OPTIONS = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const compressors = {
  zstd: promisify(zstdCompress),
  gzip: promisify(gzip),
  br: promisify(brotliCompress),
};

const encoders = {
  zstd: () => createZstdCompress(),
  gzip: () => createGzip(),
  br: () => createBrotliCompress(BROTLI_OPTIONS),
};

/** The best encoding that an `Accept-Encoding` header allows, or null for none. */
export function negotiateEncoding(acceptEncoding: string): BodyEncoding | null {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.split(',', 20)) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith('q='));
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  let best: BodyEncoding | null = null;
  let bestWeight = 0;
  for (const encoding of ENCODINGS) {
    const weight = weights.get(encoding) ?? weights.get('*') ?? 0;
    if (weight > bestWeight) {
      best = encoding;
      bestWeight = weight;
    }
  }
  return best;
}

export function isBodyEncoding(value: unknown): value is BodyEncoding {
  return ENCODINGS.some((encoding) => encoding === value);
}

export async function encodeBody(body: string, encoding: BodyEncoding): Promise<Buffer> {
  if (encoding !== 'br') return await compressors[encoding](body);
  return await compressors.br(body, BROTLI_OPTIONS);
}

/** Packs what is written to it, for a body that is never held as a whole. */
export function encoderFor(encoding: BodyEncoding): Transform {
  return encoders[encoding]();
}
