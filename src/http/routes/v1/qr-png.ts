import { crc32, deflateSync } from 'node:zlib';

import { encode } from 'uqr';

/** Pixels of one module: a code of a few hundred characters is then a picture of some 500 pixels. */
const SCALE = 8;
/** The quiet zone that scanners look for, in modules. */
const BORDER = 4;

/** A QR code of the text as a PNG picture, one bit for each pixel. */
export function qrPng(text: string): Buffer {
  const { data, size } = encode(text, { ecc: 'M', border: BORDER });
  const pixels = size * SCALE;
  const rowBytes = Math.ceil(pixels / 8);
  const rows = data.map((modules) => {
    // Each row begins with its filter, 0 for none; a bit that is set is white.
    const row = Buffer.alloc(1 + rowBytes);
    for (let x = 0; x < pixels; x++) {
      if (modules[Math.floor(x / SCALE)] === true) continue;
      row[1 + (x >> 3)] = (row[1 + (x >> 3)] ?? 0) | (0x80 >> (x & 7));
    }
    return Buffer.concat(Array.from({ length: SCALE }, () => row));
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pixels, 0);
  header.writeUInt32BE(pixels, 4);
  // One bit of grey; the only ways of packing, filtering and not interlacing that matter are 0.
  header[8] = 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
