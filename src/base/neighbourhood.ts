import { Bonjour, type Service } from 'bonjour-service';
import { request } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** A browser asks again after a second. */
const ASK_AGAIN_MS = 1000;
const CONNECT_MS = 3000;

/**
 * Whether somebody who speaks HAP listens there. HAP answers whoever is not verified with a status of its own, 470; a 4xx
 * of any kind shows that somebody is there.
 */
export async function answersAsHap(host: string, port: number): Promise<boolean> {
  const answered = Promise.withResolvers<boolean>();
  const asked = request(
    { host, port, path: '/accessories', agent: false, timeout: CONNECT_MS },
    (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      answered.resolve(statusCode >= 400 && statusCode < 500);
    },
  );
  asked.on('timeout', () => asked.destroy());
  asked.on('close', () => answered.resolve(false));
  asked.on('error', () => answered.resolve(false));
  asked.end();
  return await answered.promise;
}

export interface BrowseOptions {
  /** The service without its underscore, such as `hap`. */
  readonly type: string;
  /** The `id`s of the TXT records that are looked for. */
  readonly ids: readonly string[];
  /** This machine's own addresses: one asks and listens on their interfaces. */
  readonly addresses: readonly string[];
  readonly forMs: number;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
}

/**
 * Looks for announcements by mDNS from sockets of its own, as another machine would.
 * @returns the ports that each id is announced with, as soon as all are heard, or when the time is over.
 */
export async function browse(options: BrowseOptions): Promise<Map<string, Set<number>>> {
  const { type, ids: wanted, addresses, forMs, signal } = options;
  const found = new Map<string, Set<number>>();
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, forMs);
  signal?.addEventListener('abort', () => over.resolve(), { once: true });
  const onUp = ({ txt, port }: Service): void => {
    const { id } = (txt ?? {}) as { id?: unknown };
    if (typeof id !== 'string') return;
    found.set(id, (found.get(id) ?? new Set()).add(port));
    if (wanted.every((each) => found.has(each))) over.resolve();
  };
  const listeners = multicasts(addresses).map((multicast) => listen(multicast, type, onUp));
  await over.promise;
  clearTimeout(timer);
  for (const listener of listeners) listener[Symbol.dispose]();
  return found;
}

/** The ways to ask on each interface, by IPv4 and by IPv6. */
function multicasts(addresses: readonly string[]): object[] {
  // `interface` alone would bind the socket to that address, and Linux then delivers no multicast.
  const four = addresses
    .filter((address) => isIPv4(address))
    .map((address) => ({ interface: address, bind: '0.0.0.0' }));
  const names = addresses.filter((address) => isIPv6(address)).map((address) => interfaceOf(address));
  const six = [...new Set(names)]
    .filter((name) => name !== undefined)
    .map((name) => ({ type: 'udp6', ip: 'ff02::fb', interface: `::%${name}`, bind: '::' }));
  return [...four, ...six];
}

function interfaceOf(address: string): string | undefined {
  const [, zone] = address.split('%');
  if (zone !== undefined) return zone;
  const found = Object.entries(networkInterfaces()).find(([, own]) =>
    own?.some((each) => each.address === address),
  );
  return found?.[0];
}

/** Asks and listens on one interface until disposed. A network that fails is one on which nothing is heard. */
function listen(multicast: object, type: string, onUp: (service: Service) => void): Disposable {
  const nothing = (): void => undefined;
  // None of the keys is in the library's type.
  const bonjour = new Bonjour(multicast, nothing);
  const { server } = bonjour as unknown as { server: { mdns: NodeJS.EventEmitter } };
  server.mdns.on('error', nothing);
  const browser = bonjour.find({ type }, onUp);
  const again = setInterval(() => browser.update(), ASK_AGAIN_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(again);
      browser.stop();
      bonjour.destroy(nothing);
    },
  };
}

/**
 * The addresses by which others reach this machine, a link-local one with its interface (`fe80::1%eth0`). Of both kinds:
 * phones at home use link-local IPv6 addresses as well.
 */
export function outerAddresses(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, own]) =>
    (own ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => (address.startsWith('fe80:') ? `${address}%${name}` : address)),
  );
}
