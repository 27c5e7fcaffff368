import type { Message } from '../message.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';

import { errorText } from '../../base/errors.ts';
import { GEN1_FILTERS, ShellyGen1 } from './shelly-gen1.ts';
import { GEN2_FILTERS, ShellyGen2 } from './shelly-gen2.ts';

/**
 * Shelly devices, which describe themselves on MQTT to nobody unasked. The first generation is known by its topics, the
 * later ones are asked; none has its configuration changed.
 */
export const shelly: MakeNativeProtocol = (host) => new Shelly(host);

class Shelly implements NativeProtocol {
  readonly name = 'shelly';
  readonly filters = [...GEN1_FILTERS, ...GEN2_FILTERS];
  readonly #host: NativeHost;
  readonly #gen2: ShellyGen2;
  readonly #gen1: ShellyGen1;

  constructor(host: NativeHost) {
    this.#host = host;
    this.#gen2 = new ShellyGen2(host);
    this.#gen1 = new ShellyGen1(host, (prefix) => this.#gen2.learn(prefix));
  }

  /** Comes once for each of the filters that let the message through; nothing is counted, so the second says no more. */
  handle(message: Message): void {
    try {
      if (this.#isGen1(message)) this.#gen1.handle(message);
      else this.#gen2.handle(message);
    } catch (error) {
      this.#host.complain(message.topic, `a message can't be used: ${errorText(error)}`);
    }
  }

  connected(): void {
    this.#gen1.connected();
    this.#gen2.connected();
  }

  [Symbol.dispose](): void {
    this.#gen1[Symbol.dispose]();
    this.#gen2[Symbol.dispose]();
  }

  /** A later generation may have been given a topic below `shellies`; its notifications show that it is one. */
  #isGen1({ topic }: Message): boolean {
    const [root, id, ...rest] = topic.split('/', 5);
    if (root !== 'shellies') return false;
    return !(rest.join('/') === 'events/rpc' || this.#gen2.knows(`${root}/${id ?? ''}`));
  }
}
