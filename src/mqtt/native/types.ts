import type { ComponentSpec } from '../discovery/description.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';

/** What a native protocol may do: tell of devices in the words of discovery, and ask devices. */
export interface NativeHost {
  /**
   * Tells what a device has. It replaces what the same `key` told before; components that are no longer among them are
   * kept as stale, as with discovery, for firmware forgets and remembers.
   * @param key names the device within the protocol, such as its MAC.
   * @param components with configurations in the long keys of Home Assistant's discovery, base topics resolved, a
   * `device` block with identifiers and `connections: [['mac', …]]` that other publishers would agree on, and ids
   * `<type>/<protocol>_<key>/<object>`.
   */
  announce(key: string, components: readonly ComponentSpec[]): void;
  /** The device said that it is gone for good. */
  withdraw(key: string): void;
  /** Sends, if the broker can be reached; a message that is lost is asked for again another time. */
  publish(message: OutgoingMessage): void;
  /** A sentence about what could not be used, logged once for each topic. */
  complain(topic: string, reason: string): void;
}

/**
 * A protocol of its own by which devices tell what they are. It translates into the configuration that discovery would
 * publish, so that one set of components, templates and commands serves both.
 */
export interface NativeProtocol extends Disposable {
  readonly name: 'tasmota' | 'shelly' | 'zigbee2mqtt' | 'esphome';
  /** What it wants to hear. */
  readonly filters: readonly string[];
  /** Takes a message that one of the filters let through. Must not throw; hostile payloads are complained about. */
  handle(message: Message): void;
  /** The broker can be reached (again) and the filters are subscribed to. */
  connected(): void;
}

/** Makes a protocol; the hub calls it once. */
export type MakeNativeProtocol = (host: NativeHost) => NativeProtocol;
