import { BlockList, isIP } from 'node:net';

import { StartError } from '../base/errors.ts';

/** Tells where a request really comes from: the nearest address that is not a proxy of ours. */
export class ClientAddresses {
  readonly #proxies: BlockList;

  /** @throws StartError when one of `trustedProxies` is neither an IP address nor a network. */
  constructor(trustedProxies: readonly string[]) {
    this.#proxies = new BlockList();
    for (const text of trustedProxies) {
      const [address = '', prefix] = text.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      const bits = prefix === undefined ? undefined : Number(prefix);
      try {
        if (bits === undefined) this.#proxies.addAddress(address, family);
        else this.#proxies.addSubnet(address, bits, family);
      } catch (error) {
        throw new StartError(
          'http',
          `http.trusted_proxies holds "${text}", which is neither an IP address nor a network such as 10.0.0.0/8.`,
          { badConfiguration: true, cause: error },
        );
      }
    }
  }

  /**
   * @param peer the other end of the connection
   * @param forwardedFor the X-Forwarded-For header; its entries are believed from the right, as long as proxies of ours
   * wrote them. What a client put there itself stands to the left of that.
   */
  resolve(peer: string | undefined, forwardedFor: string | undefined): string {
    let address = plain(peer ?? '');
    if (forwardedFor === undefined) return address;
    for (const entry of forwardedFor.split(',').reverse()) {
      if (!this.#isProxy(address)) return address;
      const next = plain(entry.trim());
      if (isIP(next) === 0) return address;
      address = next;
    }
    return address;
  }

  #isProxy(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#proxies.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** A socket that listens on both families shows IPv4 peers as `::ffff:192.168.1.2`. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * What an address is counted with besides itself. Of IPv6 that is the /64, which a network gives to each of its members
 * whole: whoever has one has as many addresses as they like.
 */
export function networkOf(written: string): string {
  const address = plain(written);
  if (isIP(address) !== 6) return address;
  const [text = ''] = address.split('%', 1);
  const [left, right] = text.split('::', 2).map((half) => half.split(':').filter((group) => group !== ''));
  const ends = (left?.length ?? 0) + (right?.length ?? 0) + (text.includes('.') ? 1 : 0);
  const between = Array.from({ length: Math.max(0, 8 - ends) }, () => '0');
  const groups = [...(left ?? []), ...between, ...(right ?? [])].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** Every machine on a cable or Wi-Fi has an address in this one: it says nothing about whose they are. */
export const LINK_LOCAL = 'fe80:0:0:0::/64';
