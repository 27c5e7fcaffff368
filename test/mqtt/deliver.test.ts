import { connectAsync } from 'mqtt';
import { generate, parser, type Packet } from 'mqtt-packet';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { silentLogger } from '../../src/base/log.ts';
import { ExternalLink } from '../../src/mqtt/link/external-link.ts';
import { announce, Folder, listen, PASSWORD, startHouse, USERNAME } from './harness.ts';

const ORDER = { topic: 'a/set', payload: 'ON', retain: false } as const;

afterEach(() => {
  vi.useRealTimers();
});

/** A broker that lets everybody in, and acknowledges messages when it is told to. */
class ReluctantBroker implements AsyncDisposable {
  readonly published: string[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #owed: (() => void)[] = [];

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `mqtt://127.0.0.1:${port}`;
  }

  acknowledge(): void {
    for (const answer of this.#owed.splice(0)) answer();
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    const packets = parser({ protocolVersion: 4 });
    packets.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        socket.write(generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }));
      } else if (packet.cmd === 'publish') {
        this.published.push(`${packet.topic} ${String(packet.payload)}`);
        const { messageId } = packet;
        if (messageId !== undefined)
          this.#owed.push(() => socket.write(generate({ cmd: 'puback', messageId })));
      }
    });
    socket.on('data', (bytes: Buffer) => packets.parse(bytes));
  }
}

async function connectTo(broker: ReluctantBroker): Promise<ExternalLink> {
  return await ExternalLink.start(
    { url: await broker.start(), username: '', password: '', protocol: '3.1.1', log: silentLogger },
    { message: () => undefined, connected: () => undefined, disconnected: () => undefined },
  );
}

describe('an order is answered once the broker has it', () => {
  test('elsewhere: with the acknowledgement, not before', async () => {
    await using broker = new ReluctantBroker();
    await using link = await connectTo(broker);
    let isTaken = false;
    const taken = link.deliver({ ...ORDER, qos: 1 }).then(() => (isTaken = true));
    await vi.waitFor(() => expect(broker.published).toEqual(['a/set ON']));
    expect(isTaken).toBe(false);
    broker.acknowledge();
    await taken;
  });

  test('one that nobody acknowledges fails, and is not sent when the broker is back', async () => {
    await using broker = new ReluctantBroker();
    await using link = await connectTo(broker);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const failed = expect(link.deliver({ ...ORDER, qos: 1 })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no answer within 3 s'),
    });
    await vi.advanceTimersByTimeAsync(3_000);
    await failed;
    vi.useRealTimers();
    await vi.waitFor(() => expect(broker.published).toHaveLength(1));
    broker.cutAll();
    await vi.waitFor(() => expect(link.connected).toBe(false));
    await vi.waitFor(() => expect(link.connected).toBe(true), 5_000);
    await link.deliver({ ...ORDER, payload: 'OFF', qos: 0 });
    await vi.waitFor(() => expect(broker.published).toEqual(['a/set ON', 'a/set OFF']));
  });

  test.for([0, 1] as const)(
    'the own broker: killed as soon as it has an order of QoS %i, it has passed it on',
    async (qos) => {
      using folder = new Folder();
      const child = fork(join(import.meta.dirname, 'broker-child.ts'), [folder.path], { stdio: 'inherit' });
      const [url] = (await once(child, 'message')) as [string];
      const device = await connectAsync(url, { username: USERNAME, password: PASSWORD, reconnectPeriod: 0 });
      const heard = await listen(device, 'a/set');
      child.send({ ...ORDER, qos });
      await once(child, 'exit');
      await vi.waitFor(() => expect(heard).toEqual(['a/set ON']));
      await device.endAsync(true);
    },
  );

  test('the own broker: nobody waits long for a device that does not read', async () => {
    using folder = new Folder();
    await using house = await startHouse({ folder });
    const device = await house.connect();
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', stat_t: 'a' });
    await vi.waitFor(() => expect(house.registry.components.has('switch/a')).toBe(true));
    const stalled = await house.connect();
    await stalled.subscribeAsync('#');
    stalled.stream.pause();
    // More than the buffers of both ends of a socket hold.
    const ballast = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 16; count += 1)
      void device.publishAsync('ballast', ballast).catch(() => undefined);
    const heard = await listen(device, 'a/set');
    await house.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: true }], 'x');
    await vi.waitFor(() => expect(heard).toEqual(['a/set ON']));
    stalled.stream.destroy();
  });
});
