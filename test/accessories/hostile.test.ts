import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { FoundAccessory } from '../../src/accessories/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createHapController } from '../../src/accessories/controller.ts';
import { generateEd25519 } from '../../src/accessories/crypto.ts';
import { HapHttpClient } from '../../src/accessories/http-client.ts';
import { toSessionKeys } from '../../src/accessories/frames.ts';
import { encodeTlv, TLV } from '../../src/accessories/tlv.ts';
import { faultOf, Witness } from './accessory.ts';

/** Says something to whoever connects or asks. */
class Hostile implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
  }

  static async start(onData: (socket: Socket) => void): Promise<Hostile> {
    const server = createServer((socket) => socket.on('data', () => onData(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Hostile(server);
  }

  get found(): FoundAccessory {
    return {
      id: 'CA:FE:00:00:00:02',
      name: 'hostile',
      model: null,
      address: '127.0.0.1',
      port: (this.#server.address() as AddressInfo).port,
      isPairable: true,
      configNumber: 1,
      category: null,
      protocolVersion: null,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const controller = createHapController({
  log: silentLogger,
  clock: systemClock,
  minPauseMs: 10,
  maxPauseMs: 20,
});

function pairingAnswer(items: Parameters<typeof encodeTlv>[0], status = '200 OK'): Buffer {
  const body = encodeTlv(items);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
}

describe('while pairing', () => {
  test.each<[string, string, (socket: Socket) => void]>([
    ['garbage', 'protocol', (socket) => void socket.write(Buffer.alloc(100_000, 7))],
    [
      'an endless header',
      'protocol',
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(50_000)}`),
    ],
    ['the end', 'dropped', (socket) => void socket.destroy()],
    [
      'half an answer',
      'dropped',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
    ],
    [
      'no pairing message',
      'protocol',
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'),
    ],
    ['404', 'refused', (socket) => void socket.write('HTTP/1.1 404 Not Found\r\n\r\n')],
    ['another state', 'protocol', (socket) => void socket.write(pairingAnswer([[TLV.state, 4]]))],
    ['no salt', 'protocol', (socket) => void socket.write(pairingAnswer([[TLV.state, 2]]))],
    [
      'a key of zero',
      'protocol',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.salt, Buffer.alloc(16)],
            [TLV.publicKey, Buffer.alloc(384)],
          ]),
        ),
    ],
    [
      'too many tries',
      'max_tries',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.error, 5],
          ]),
        ),
    ],
    [
      'busy',
      'busy',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.error, 7],
          ]),
        ),
    ],
    [
      'back off',
      'back_off',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.error, 3],
            [TLV.retryDelay, Buffer.of(30)],
          ]),
        ),
    ],
    [
      'an unknown error',
      'refused',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.error, 99],
          ]),
        ),
    ],
    [
      'already paired',
      'already_paired',
      (socket) => void socket.write(pairingAnswer([[TLV.error, 6]], '400 Bad Request')),
    ],
  ])('%s is %s', async (_, fault, onData) => {
    await using hostile = await Hostile.start(onData);
    expect(await faultOf(controller.pair(hostile.found, '123-45-679'))).toBe(fault);
  });
});

describe('a connection', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['garbage', (socket) => void socket.write(Buffer.alloc(1000, 1))],
    [
      'a key of zero',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.publicKey, Buffer.alloc(32)],
            [TLV.encryptedData, Buffer.alloc(40)],
          ]),
        ),
    ],
    [
      'a short key',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.publicKey, Buffer.alloc(3)],
            [TLV.encryptedData, Buffer.alloc(40)],
          ]),
        ),
    ],
    [
      'a seal of its own',
      (socket) =>
        void socket.write(
          pairingAnswer([
            [TLV.state, 2],
            [TLV.publicKey, Buffer.alloc(32, 9)],
            [TLV.encryptedData, Buffer.alloc(40)],
          ]),
        ),
    ],
  ])('%s: tries again, and can be stopped', async (_, onData) => {
    await using hostile = await Hostile.start(onData);
    const witness = new Witness();
    const keys = { controllerId: 'x', ...generateEd25519(), accessoryPublicKey: generateEd25519().publicKey };
    await using connection = controller.connect({ ...hostile.found, keys }, witness);
    await witness.until(
      'three attempts',
      () => witness.states.filter((one) => one === 'waiting').length >= 3,
    );
    expect(connection.reason?.fault).toMatch(/protocol|impostor/);
  });
});

describe('the transport', () => {
  test('an answer to nothing, and one that never comes, end the connection', async () => {
    await using chatty = await Hostile.start(
      (socket) => void socket.write('HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n'),
    );
    using client = await HapHttpClient.open(chatty.found);
    await client.request({ method: 'GET', path: '/' });
    expect((await client.closed).fault).toBe('protocol');
    expect(await faultOf(client.request({ method: 'GET', path: '/' }))).toBe('protocol');

    await using mute = await Hostile.start(() => undefined);
    using waiting = await HapHttpClient.open(mute.found);
    const asked = [1, 2, 3].map(
      async () => await faultOf(waiting.request({ method: 'GET', path: '/', timeoutMs: 50 })),
    );
    expect(await Promise.all(asked)).toEqual(['timeout', 'timeout', 'timeout']);
    const beyond = Array.from(
      { length: 120 },
      async () => await faultOf(waiting.request({ method: 'GET', path: '/' })),
    );
    expect(new Set(await Promise.all(beyond))).toEqual(new Set(['timeout', 'busy']));
  });

  test.each([
    ['a huge frame', Buffer.from([0xff, 0xff, 1, 2, 3])],
    ['a frame with another key', Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(17)])],
  ])('%s ends a sealed session', async (_, bytes) => {
    await using hostile = await Hostile.start((socket) => void socket.write(bytes));
    using client = await HapHttpClient.open(hostile.found);
    client.secure(toSessionKeys(Buffer.alloc(32, 5)));
    expect(await faultOf(client.request({ method: 'GET', path: '/accessories' }))).toBe('protocol');
  });

  test('one request at a time', async () => {
    let underWay = 0;
    let most = 0;
    await using slow = await Hostile.start((socket) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      }, 2);
    });
    using client = await HapHttpClient.open(slow.found);
    await Promise.all(
      Array.from({ length: 20 }, async () => await client.request({ method: 'GET', path: '/' })),
    );
    expect(most).toBe(1);
  });
});
