import { randomBytes } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FrameOpener, FrameSealer, MAX_FRAME } from '../../src/accessories/frames.ts';
import { HapMessageParser, type HapMessage } from '../../src/accessories/http-parser.ts';
import { decodeTlv, encodeTlv } from '../../src/accessories/tlv.ts';

/** Pieces of random sizes that together are the bytes. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const cutsArbitrary = fc.array(fc.nat(1_000_000), { maxLength: 60 });
const bytesArbitrary = fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes));

describe('frames', () => {
  test('any split of the sealed bytes opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.array(bytesArbitrary, { maxLength: 5 }), cutsArbitrary, (messages, cuts) => {
        const key = randomBytes(32);
        const sealer = new FrameSealer(key);
        const opener = new FrameOpener(key);
        const sealed = Buffer.concat(messages.map((message) => sealer.seal(message)));
        const opened = Buffer.concat(split(sealed, cuts).map((piece) => opener.push(piece)));
        expect(opened.equals(Buffer.concat(messages))).toBe(true);
      }),
    );
  });

  test('one changed bit ends it, or leaves it waiting for more; it never opens to something else', () => {
    fc.assert(
      fc.property(bytesArbitrary, fc.nat(), fc.nat(7), (message, where, bit) => {
        fc.pre(message.length > 0);
        const key = randomBytes(32);
        const sealed = new FrameSealer(key).seal(message);
        const at = where % sealed.length;
        sealed[at] = (sealed[at] ?? 0) ^ (1 << bit);
        const opener = new FrameOpener(key);
        try {
          const opened = opener.push(sealed);
          expect(opened.equals(message.subarray(0, opened.length))).toBe(true);
          expect(opened.length).toBeLessThan(message.length);
        } catch (error) {
          expect(String(error)).toMatch(/frame/);
        }
      }),
    );
  });

  test('a frame that is sent twice, left out or too long is refused', () => {
    const key = randomBytes(32);
    const sealer = new FrameSealer(key);
    const [first, second] = [sealer.seal(Buffer.from('a')), sealer.seal(Buffer.from('b'))];
    expect(() => new FrameOpener(key).push(second)).toThrow('not sealed');
    const opener = new FrameOpener(key);
    opener.push(first);
    expect(() => opener.push(first)).toThrow('not sealed');
    const long = Buffer.alloc(2);
    long.writeUInt16LE(MAX_FRAME + 1);
    expect(() => new FrameOpener(key).push(long)).toThrow('frame of 1025 bytes');
  });
});

interface Sent {
  readonly kind: HapMessage['kind'];
  readonly status: number;
  readonly body: Buffer;
  readonly chunks: readonly number[] | null;
}

const sentArbitrary: fc.Arbitrary<Sent> = fc.record({
  kind: fc.constantFrom('response', 'event'),
  status: fc.constantFrom(200, 207, 400, 470),
  body: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  chunks: fc.option(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }), {
    nil: null,
  }),
});

function toBytes({ kind, status, body, chunks }: Sent): Buffer {
  const start = `${kind === 'event' ? 'EVENT/1.0' : 'HTTP/1.1'} ${status} Some Words\r\nContent-Type: application/hap+json\r\n`;
  if (chunks === null) {
    return Buffer.concat([Buffer.from(`${start}content-LENGTH:${body.length}\r\n\r\n`), body]);
  }
  const parts: Buffer[] = [Buffer.from(`${start}Transfer-Encoding: chunked\r\n\r\n`)];
  let offset = 0;
  for (let index = 0; offset < body.length; index += 1) {
    const piece = body.subarray(offset, offset + (chunks[index % chunks.length] ?? 1));
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    offset += piece.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

describe('messages', () => {
  test('any split of the bytes gives the same messages', () => {
    fc.assert(
      fc.property(fc.array(sentArbitrary, { maxLength: 6 }), cutsArbitrary, (sent, cuts) => {
        const got: HapMessage[] = [];
        const parser = new HapMessageParser((message) => got.push(message));
        for (const piece of split(Buffer.concat(sent.map(toBytes)), cuts)) parser.push(piece);
        expect(got.map(({ kind, status, body }) => ({ kind, status, body: body.toString('hex') }))).toEqual(
          sent.map(({ kind, status, body }) => ({ kind, status, body: body.toString('hex') })),
        );
        expect(parser.isIdle).toBe(true);
      }),
    );
  });

  test('byte by byte, with 204, 100 Continue and trailers', () => {
    const got: string[] = [];
    const parser = new HapMessageParser(({ status, body }) => got.push(`${status} ${body.toString()}`));
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n' +
      'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok';
    for (const byte of Buffer.from(text)) parser.push(Buffer.of(byte));
    expect(got).toEqual(['204 ', '200 abc', '200 ok']);
  });

  test('garbage is refused or waited for, within bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40_000 }), cutsArbitrary, (bytes, cuts) => {
        const got: HapMessage[] = [];
        const parser = new HapMessageParser((message) => got.push(message));
        try {
          for (const piece of split(Buffer.from(bytes), cuts)) parser.push(piece);
          expect(bytes.length).toBeLessThan(17_000);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        expect(got).toEqual([]);
      }),
    );
  });

  test.each([
    ['an endless header', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(4000)}`],
    ['a huge body', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n'],
    ['a negative body', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a huge chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n'],
    ['an endless chunk size', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(2000)}`],
    ['a chunk without end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc'],
    [
      'endless trailers',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(4000)}`,
    ],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
  ])('%s is refused', (_, text) => {
    const parser = new HapMessageParser(() => undefined);
    expect(() => parser.push(Buffer.from(text))).toThrow();
  });
});

describe('pairing messages', () => {
  test('items come back as they went, long ones too', () => {
    const itemsArbitrary = fc.uniqueArray(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 800 })), {
      selector: ([type]) => type,
    });
    fc.assert(
      fc.property(itemsArbitrary, (items) => {
        const read = decodeTlv(encodeTlv(items));
        expect(read && [...read].map(([type, value]) => [type, [...value]])).toEqual(
          items.map(([type, value]) => [type, [...value]]),
        );
      }),
    );
  });

  test('garbage is no list, and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        decodeTlv(bytes);
      }),
    );
    expect(decodeTlv(Buffer.from([1]))).toBeUndefined();
    expect(decodeTlv(Buffer.from([1, 5, 0]))).toBeUndefined();
  });
});
