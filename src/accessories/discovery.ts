import { Bonjour, type Browser, type Service } from 'bonjour-service';
import { isIPv4 } from 'node:net';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { FoundAccessory } from './types.ts';

export interface DiscoveryOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** True for the device ids of the hub's own bridges, which are never imported. */
  readonly isOwn: (id: string) => boolean;
  /** Told of each accessory that appears or says something else than before; must not throw. */
  readonly onFound: (found: FoundAccessory) => void;
  /** Only on the interface with this address; all interfaces unless a test says otherwise. */
  readonly interfaceAddress?: string;
  /** How often to ask anew. Default 60 s. */
  readonly askEveryMs?: number;
}

const TYPE = 'hap';

/** One that was silent for as many rounds is gone. */
const ROUNDS = 4;

/** More than any home has; what comes beyond is forged. */
const MAX_FOUND = 500;

/** How long the goodbye of the socket may take. */
const CLOSE_MS = 1000;

interface Seen {
  readonly found: FoundAccessory;
  readonly lastMs: number;
}

/**
 * Looks for accessories that announce themselves as `_hap._tcp`. The socket shares port 5353 with the hub's own
 * announcements, with ciao and with avahi; only multicast is used, which reaches all of them.
 *
 * The library's browser never tells that only the address changed, so each round begins with a new one.
 */
export class HapDiscovery implements AsyncDisposable {
  readonly #options: DiscoveryOptions;
  readonly #bonjour: Bonjour;
  readonly #seen = new Map<string, Seen>();
  readonly #timers: NodeJS.Timeout[];
  #browser: Browser | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#bonjour = openBonjour(options);
    this.#ask();
    // The first question is lost where the network has just come up.
    this.#timers = [
      setTimeout(() => this.#browser?.update(), 1000),
      setTimeout(() => this.#browser?.update(), 4000),
      setInterval(() => this.#ask(), this.#askEveryMs),
    ];
  }

  /** Never fails: without a network it finds nothing, and goes on when there is one. */
  static start(options: DiscoveryOptions): HapDiscovery {
    return new HapDiscovery(options);
  }

  /** What is there at the moment, by name; without the hub's own bridges. */
  list(): FoundAccessory[] {
    this.#expire();
    return [...this.#seen.values()]
      .map(({ found }) => found)
      .sort((one, other) => one.name.localeCompare(other.name) || one.id.localeCompare(other.id));
  }

  find(id: string): FoundAccessory | undefined {
    this.#expire();
    return this.#seen.get(id.toUpperCase())?.found;
  }

  /** Asks the network at once. */
  refresh(): void {
    if (!this.#closing) this.#ask();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  get #askEveryMs(): number {
    return this.#options.askEveryMs ?? 60_000;
  }

  #ask(): void {
    this.#browser?.stop();
    const browser = this.#bonjour.find({ type: TYPE });
    browser.on('up', (service) => this.#onService(service));
    browser.on('txt-update', (service) => this.#onService(service));
    browser.on('srv-update', (service) => this.#onService(service));
    browser.on('down', (service) => this.#onGone(service));
    this.#browser = browser;
  }

  #onService(service: Service): void {
    const found = toFound(service);
    if (!found || this.#options.isOwn(found.id)) return;
    const before = this.#seen.get(found.id)?.found;
    if (!before && this.#seen.size >= MAX_FOUND) return;
    this.#seen.set(found.id, { found, lastMs: this.#options.clock.monotonicMs() });
    if (JSON.stringify(before) !== JSON.stringify(found)) this.#options.onFound(found);
  }

  #onGone(service: Service): void {
    const found = toFound(service);
    if (found) this.#seen.delete(found.id);
  }

  #expire(): void {
    const oldestMs = this.#options.clock.monotonicMs() - ROUNDS * this.#askEveryMs;
    for (const [id, { lastMs }] of this.#seen) if (lastMs < oldestMs) this.#seen.delete(id);
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#browser?.stop();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    this.#bonjour.destroy(resolve);
    await promise;
    clearTimeout(timer);
  }
}

function openBonjour({ log, interfaceAddress }: DiscoveryOptions): Bonjour {
  const onError = (error: unknown): void => {
    log.warn({ err: error }, 'mDNS does not work; HomeKit accessories are not found by themselves');
  };
  // Neither key is in the library's type. `interface` alone would bind to that address, which gets no multicast on Linux.
  const where = interfaceAddress ? ({ interface: interfaceAddress, bind: '0.0.0.0' } as object) : undefined;
  const bonjour = new Bonjour(where, onError);
  // The library leaves the socket's errors unhandled: a port 5353 that is taken exclusively would end the process.
  const { server } = bonjour as unknown as { server: { mdns: NodeJS.EventEmitter } };
  server.mdns.on('error', onError);
  return bonjour;
}

const ID = /^[0-9A-F]{2}(?::[0-9A-F]{2}){5}$/;

/** Reads an announcement (HomeKit Accessory Protocol, table 6-7). Undefined when it is none. */
export function toFound(
  service: Pick<Service, 'fqdn' | 'port' | 'txt' | 'addresses' | 'referer'>,
): FoundAccessory | undefined {
  const txt = toText(service.txt);
  const id = txt.get('id')?.toUpperCase() ?? '';
  const address = toAddress(service.addresses ?? [], service.referer?.address);
  const { port } = service;
  if (!ID.test(id) || address === undefined || !(port > 0 && port < 65_536)) return undefined;
  return {
    id,
    name: service.fqdn.replace(/\._hap\._tcp\..*$/i, '').slice(0, 100),
    model: txt.get('md')?.slice(0, 100) ?? null,
    address,
    port,
    isPairable: ((toNumber(txt.get('sf')) ?? 0) & 1) === 1,
    configNumber: toNumber(txt.get('c#')),
    category: toNumber(txt.get('ci')),
    protocolVersion: txt.get('pv')?.slice(0, 20) ?? null,
  };
}

/** Keys may be in any case (RFC 6763 section 6.4). */
function toText(txt: unknown): Map<string, string> {
  const text = new Map<string, string>();
  if (typeof txt !== 'object' || txt === null) return text;
  for (const [key, value] of Object.entries(txt)) {
    if (typeof value === 'string') text.set(key.toLowerCase(), value);
  }
  return text;
}

/** The sender's own is known to lead here; else IPv4: a link-local IPv6 address says nothing without its interface. */
function toAddress(addresses: readonly string[], sender: string | undefined): string | undefined {
  if (sender !== undefined && addresses.includes(sender)) return sender;
  return addresses.find((one) => isIPv4(one)) ?? sender ?? addresses[0];
}

function toNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}
