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
