import type { Logger } from '../../base/log.ts';
import type { ComponentSpec } from '../discovery/description.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Message } from '../message.ts';
import type { Router } from '../router.ts';
import type { MqttLink, OutgoingMessage } from '../types.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';

import { DiscoveryQueue } from '../discovery/queue.ts';
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
  readonly #queues: Disposable[] = [];

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
    for (const queue of this.#queues) queue[Symbol.dispose]();
    for (const protocol of this.#protocols) protocol[Symbol.dispose]();
  }

  /**
   * A list of 150 devices comes in one message, each of them some writes to the graph: they wait for their turn, and
   * what a device is asked comes after its announcement. Of a device that is told of again meanwhile the last word counts.
   */
  #hostOf(protocol: () => NativeProtocol): NativeHost {
    const { discovery, link, log } = this.#options;
    const queue = new DiscoveryQueue<() => void>((work) => {
      try {
        work();
      } catch (error) {
        log.error({ err: error }, 'what a device told could not be handled');
      }
    });
    this.#queues.push(queue);
    const waiting = new Map<string, readonly ComponentSpec[] | null>();
    const tell = (key: string, components: readonly ComponentSpec[] | null): void => {
      const isQueued = waiting.has(key);
      waiting.set(key, components);
      if (isQueued) return;
      queue.push(() => {
        const latest = waiting.get(key);
        waiting.delete(key);
        if (latest) discovery.announce(protocol().name, key, latest);
        else discovery.withdraw(protocol().name, key);
      });
    };
    return {
      announce: tell,
      withdraw: (key) => tell(key, null),
      complain: (topic, reason) => discovery.complaints.note(topic, reason),
      publish: (message) => queue.push(() => this.#publish(message, link())),
    };
  }

  #publish(message: OutgoingMessage, link: MqttLink | undefined): void {
    try {
      link?.publish(message);
    } catch (error) {
      this.#options.log.debug({ err: error, topic: message.topic }, 'a device could not be asked');
    }
  }
}
