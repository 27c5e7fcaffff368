import { Bonjour, type Service } from 'bonjour-service';
import { hostname } from 'node:os';

import type { Logger } from '../base/log.ts';

import { shortHash } from '../base/ids.ts';

export interface MdnsOptions {
  /** What people see while browsing: the home's name, at most 63 bytes of UTF-8 (RFC 6763 section 4.1.1). */
  name: string;
  /** The HTTP port. */
  port: number;
  /** TXT record; values are hints that anybody on the network may read and forge. */
  txt: MdnsTxt;
  log: Logger;
  /** Only on the interface with this address; all interfaces unless a test says otherwise. */
  interfaceAddress?: string;
}

/** The TXT keys of `_funkygibbon._tcp`; all short, the whole well under 400 bytes (RFC 6763 section 6.2). */
export interface MdnsTxt {
  /** Version of this record's format; must come first (RFC 6763 section 6.7). */
  readonly txtvers: '1';
  /** The node's id, a UUID: names may repeat, this does not. */
  readonly id: string;
  /** Version of the hub. */
  readonly ver: string;
  /** Path of the API. */
  readonly api: string;
  /** The sync protocols spoken, by comma. */
  readonly proto: string;
  /** The port of TLS; absent where there is none. */
  readonly tls?: string;
  /** `sha256/…` of the public key behind TLS. A hint for browsing: what a phone trusts it has from the pairing code. */
  readonly fp?: string;
}

export interface MdnsPart extends AsyncDisposable {
  /** Announces other facts from now on. */
  update(txt: MdnsTxt): void;
}

const TYPE = 'funkygibbon';

/** How long to listen for another hub of the same name before the announcement goes out. */
const LISTEN_MS = 750;

/** How long the goodbye may take; a network that is gone must not hold up the stop. */
const GOODBYE_MS = 1000;

/**
 * Announces the hub as `_funkygibbon._tcp`, a moment after it returns. A missing or failing network is logged and never
 * an error: the hub works for those who know its address, and the announcement goes out when an interface appears.
 */
export function startMdns(options: MdnsOptions): MdnsPart {
  const bonjour = openBonjour(options);
  let { txt } = options;
  let service: Service | undefined;
  let isNameTaken = false;
  let stopping: Promise<void> | undefined;
  const nameTaken = listenForNamesake(bonjour, options);
  const timer = setTimeout(() => {
    isNameTaken = nameTaken();
    service = announce(bonjour, { ...options, txt }, isNameTaken);
  }, LISTEN_MS);
  return {
    update(changed) {
      txt = changed;
      if (service === undefined || stopping) return;
      // A record that is out cannot be changed: it is taken back, and another takes its place.
      const stop = service.stop as (() => void) | undefined;
      stop?.call(service);
      service = announce(bonjour, { ...options, txt }, isNameTaken);
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      stopping ??= goodbye(bonjour, service);
      await stopping;
    },
  };
}

function openBonjour(options: MdnsOptions): Bonjour {
  const onError = (error: unknown): void => {
    options.log.warn({ err: error }, 'mDNS does not work; the hub can still be reached by its address');
  };
  // `interface` alone would bind the socket to that address, and Linux then delivers no multicast. Neither key is in
  // the library's type.
  const where = options.interfaceAddress
    ? ({ interface: options.interfaceAddress, bind: '0.0.0.0' } as object)
    : undefined;
  const bonjour = new Bonjour(where, onError);
  // The library leaves the socket's errors unhandled: a port 5353 that is taken exclusively would end the process.
  const { server } = bonjour as unknown as { server: { mdns: NodeJS.EventEmitter } };
  server.mdns.on('error', onError);
  return bonjour;
}

/** Looks for a hub with our name and another id. The library's own probe gives up on a conflict, unannounced. */
function listenForNamesake(bonjour: Bonjour, options: MdnsOptions): () => boolean {
  let taken = false;
  const browser = bonjour.find({ type: TYPE }, (found) => {
    const txt = found.txt as Partial<MdnsTxt> | undefined;
    if (found.name === options.name && txt?.id !== options.txt.id) taken = true;
  });
  return () => {
    browser.stop();
    return taken;
  };
}

function announce(bonjour: Bonjour, options: MdnsOptions, nameTaken: boolean): Service {
  const name = nameTaken ? distinctName(options.name, options.txt.id) : options.name;
  const service = bonjour.publish({
    name,
    type: TYPE,
    port: options.port,
    host: `${hostname().split('.')[0] ?? TYPE}.local`,
    txt: { ...options.txt },
    probe: false,
  });
  service.on('up', () =>
    options.log.info({ name, port: options.port }, 'the hub is announced on the network'),
  );
  return service;
}

/** `Home (3fZk)`: four characters of the id tell two homes of one name apart, at every start the same. */
export function distinctName(name: string, id: string): string {
  const suffix = ` (${shortHash(id, 3)})`;
  const characters = Array.from(name);
  while (Buffer.byteLength(characters.join('') + suffix) > 63) characters.pop();
  return characters.join('') + suffix;
}

async function goodbye(bonjour: Bonjour, service: Service | undefined): Promise<void> {
  const stop = service?.stop as ((done: () => void) => void) | undefined;
  if (stop) await settleWithin(GOODBYE_MS, stop);
  await settleWithin(GOODBYE_MS, (done) => bonjour.destroy(done));
}

/** Waits until `start` calls back, at most `ms`. */
async function settleWithin(ms: number, start: (done: () => void) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  start(resolve);
  await promise;
  clearTimeout(timer);
}
