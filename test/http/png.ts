import { crc32, inflateSync } from 'node:zlib';

import jsqr from 'jsqr';

/** A picture as scanners want it: four bytes for each pixel. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** What a QR code in a PNG picture says, or undefined where a scanner finds none. */
export function scanQr(png: Buffer): string | undefined {
  const { data, width, height } = readPng(png);
  // The package is the function itself, whatever its types say of a default.
  const scan = jsqr as unknown as typeof jsqr.default;
  return scan(data, width, height)?.data;
}

/** Reads a PNG picture of one bit a pixel, without filters, checking what a picture viewer checks. */
function readPng(png: Buffer): Picture {
  if (png.subarray(0, 8).toString('latin1') !== '\u0089PNG\r\n\u001a\n') throw new Error('not a PNG');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== png.readUInt32BE(at + 8 + length)) throw new Error('a chunk is damaged');
    chunks.set(body.subarray(0, 4).toString('latin1'), body.subarray(4));
    at += 12 + length;
  }
  if ([...chunks.keys()].join(' ') !== 'IHDR IDAT IEND') throw new Error('unexpected chunks');
  const header = chunks.get('IHDR') ?? Buffer.alloc(0);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  if (header.subarray(8).toString('hex') !== '0100000000') throw new Error('not one bit of grey');
  const pixels = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const rowBytes = 1 + Math.ceil(width / 8);
  if (pixels.length !== rowBytes * height) throw new Error('the size is wrong');
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    if (pixels[y * rowBytes] !== 0) throw new Error('a row is filtered');
    for (let x = 0; x < width; x++) {
      const isWhite = ((pixels[y * rowBytes + 1 + (x >> 3)] ?? 0) & (0x80 >> (x & 7))) !== 0;
      data.fill(isWhite ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { width, height, data };
}
