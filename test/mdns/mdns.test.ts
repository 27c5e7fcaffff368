import { Bonjour, type Browser, type Service } from 'bonjour-service';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { silentLogger } from '../../src/base/log.ts';
import { distinctName, startMdns, type MdnsTxt } from '../../src/mdns/mdns.ts';

const LOOPBACK = '127.0.0.1';
const txt: MdnsTxt = { txtvers: '1', id: 'node-1', ver: '0.1.0', api: '/api', proto: 'inbetweenies-v1' };

/** Browses on the loopback interface and waits for what it sees, event by event. */
class Watcher implements AsyncDisposable {
  readonly #bonjour = new Bonjour({ interface: LOOPBACK, bind: '0.0.0.0' } as object);
  readonly #browser: Browser = this.#bonjour.find({ type: 'funkygibbon' });
  readonly services = new Map<string, Service>();
  #check: () => void = () => undefined;

  constructor() {
    this.#browser.on('up', (service: Service) => {
      this.services.set(service.name, service);
      this.#check();
    });
    this.#browser.on('down', (service: Service) => {
      this.services.delete(service.name);
      this.#check();
    });
  }

  async until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#check = () => {
      if (condition()) resolve();
    };
    this.#check();
    this.#browser.update();
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#browser.stop();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#bonjour.destroy(resolve);
    await promise;
  }
}

let watcher: Watcher;
beforeEach(() => {
  watcher = new Watcher();
});
afterEach(async () => {
  await watcher[Symbol.asyncDispose]();
});

function announce(name: string, port: number, id = 'node-1'): AsyncDisposable {
  return startMdns({ name, port, txt: { ...txt, id }, log: silentLogger, interfaceAddress: LOOPBACK });
}

describe('on a network with multicast', () => {
  test('the hub is found with its port and its facts, and is gone at stop', async () => {
    const hub = announce('Announced home', 4711);
    await watcher.until(() => watcher.services.has('Announced home'));
    const found = watcher.services.get('Announced home');
    expect(found?.port).toBe(4711);
    expect(found?.txt).toEqual({ ...txt });
    await hub[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    await watcher.until(() => !watcher.services.has('Announced home'));
  });

  test('it can announce other facts while it runs', async () => {
    const name = 'Renewed home';
    await using hub = startMdns({ name, port: 4711, txt, log: silentLogger, interfaceAddress: LOOPBACK });
    await watcher.until(() => watcher.services.has(name));
    hub.update({ ...txt, tls: '8443', fp: 'sha256/abc=' });
    await watcher.until(() => watcher.services.get(name)?.txt?.fp === 'sha256/abc=');
    expect(watcher.services.get(name)?.txt).toEqual({ ...txt, tls: '8443', fp: 'sha256/abc=' });
  });

  test('a second hub of the same name takes a name of its own, and both stay', async () => {
    await using _first = announce('Twin home', 4711, 'node-1');
    await watcher.until(() => watcher.services.has('Twin home'));
    await using _second = announce('Twin home', 4712, 'node-2');
    const other = distinctName('Twin home', 'node-2');
    await watcher.until(() => watcher.services.has(other));
    expect(watcher.services.get('Twin home')?.port).toBe(4711);
    expect(watcher.services.get(other)?.port).toBe(4712);
  });
});

test('the facts fit into a record with room to spare', () => {
  const full: MdnsTxt = { ...txt, id: crypto.randomUUID(), tls: '65535', fp: `sha256/${'x'.repeat(44)}` };
  const entries = Object.entries(full).map(([key, value]) => Buffer.byteLength(`${key}=${value}`));
  expect(Math.max(...entries)).toBeLessThanOrEqual(255);
  expect(entries.reduce((sum, bytes) => sum + bytes + 1, 0)).toBeLessThan(400);
});

test('a stop before the announcement leaves nothing behind', async () => {
  await announce('Never there', 4711)[Symbol.asyncDispose]();
  expect(watcher.services.has('Never there')).toBe(false);
});

test('a distinct name fits into a DNS label, whole characters only', () => {
  const name = distinctName('Ünïcödé '.repeat(10), 'node-2');
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  expect(name).toMatch(/ \(.{4}\)$/);
  expect(name.isWellFormed()).toBe(true);
});
