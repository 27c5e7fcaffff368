import type { Logger } from '../../base/log.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Message } from '../message.ts';
import type { Router } from '../router.ts';
import type { MqttLink } from '../types.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';

import { esphome } from './esphome.ts';
import { shelly } from './shelly.ts';
import { tasmota } from './tasmota.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';

export interface NativeOptions {
  readonly router: Router;
  readonly discovery: Discovery;
  readonly link: () => MqttLink | undefined;
  readonly log: Logger;
}

const PROTOCOLS: readonly MakeNativeProtocol[] = [tasmota, shelly, zigbee2mqtt, esphome];

/** The devices' own protocols at work: they hear their topics, and discovery hears of their devices. */
export class NativeProtocols implements Disposable {
  readonly #options: NativeOptions;
  readonly #protocols: readonly NativeProtocol[];

  constructor(options: NativeOptions) {
    this.#options = options;
    this.#protocols = PROTOCOLS.map((make) => {
      const protocol: NativeProtocol = make(this.#hostOf(() => protocol));
      return protocol;
    });
    for (const protocol of this.#protocols) {
      for (const filter of protocol.filters) {
        options.router.add(filter, 1, (message: Message) => protocol.handle(message));
      }
    }
  }

  /** The broker can be reached (again). */
  connected(): void {
    for (const protocol of this.#protocols) protocol.connected();
  }

  /** Has everybody tell of their devices again. */
  askAgain(): void {
    for (const { filters } of this.#protocols) for (const filter of filters) this.#options.router.ask(filter);
    this.connected();
  }

  [Symbol.dispose](): void {
    for (const protocol of this.#protocols) protocol[Symbol.dispose]();
  }

  #hostOf(protocol: () => NativeProtocol): NativeHost {
    const { discovery, link, log } = this.#options;
    return {
      announce: (key, components) => discovery.announce(protocol().name, key, components),
      withdraw: (key) => discovery.withdraw(protocol().name, key),
      complain: (topic, reason) => discovery.complaints.note(topic, reason),
      publish: (message) => {
        try {
          link()?.publish(message);
        } catch (error) {
          log.debug({ err: error, topic: message.topic }, 'a device could not be asked');
        }
      },
    };
  }
}
