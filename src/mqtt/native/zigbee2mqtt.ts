import type { Message } from '../message.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';
import type { BridgeInfo, ZigbeeDevice, ZigbeeGroup } from './zigbee2mqtt/payloads.ts';

import { PayloadProblem } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import { Announcements } from './announcements.ts';
import { describeDevices, describeGroups, groupKey, type Described } from './zigbee2mqtt/network.ts';
import { parseDevices, parseGroups, parseInfo } from './zigbee2mqtt/payloads.ts';

/** Networks that are kept at a time, each with its list of devices. */
const MAX_NETWORKS = 8;

const PARTS = ['devices', 'groups', 'info'] as const;
const TOPIC = new RegExp(`^(.{1,200})/bridge/(${PARTS.join('|')})$`);

/** What is known below a base topic; its messages come in any order. */
interface Known {
  devices: readonly ZigbeeDevice[];
  groups: readonly ZigbeeGroup[];
  info: BridgeInfo | null;
  /** The keys that were told of, so that those that are no longer there can be withdrawn. */
  deviceKeys: ReadonlySet<string>;
  groupKeys: ReadonlySet<string>;
}

/**
 * Zigbee2MQTT's own description of its devices, https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html.
 * The base topic is whatever has a `bridge/devices` below it, of one or two levels.
 */
export const zigbee2mqtt: MakeNativeProtocol = (host) => new Zigbee2Mqtt(host);

class Zigbee2Mqtt implements NativeProtocol {
  readonly name = 'zigbee2mqtt';
  readonly filters: readonly string[] = PARTS.flatMap((part) => [`+/bridge/${part}`, `+/+/bridge/${part}`]);
  readonly #host: NativeHost;
  readonly #announcements: Announcements;
  readonly #networks = new Map<string, Known>();
  /** Which network told of a device last: the one that it has left must not withdraw it. */
  readonly #owners = new Map<string, string>();

  constructor(host: NativeHost) {
    this.#host = host;
    this.#announcements = new Announcements(host);
  }

  handle(message: Message): void {
    const [, base, part] = TOPIC.exec(message.topic) ?? [];
    // An emptied list is one that somebody cleared; each device would be missing from it.
    if (base === undefined || part === undefined || message.isEmpty) return;
    try {
      if (message.byteLength > LIMITS.packetBytes) throw new PayloadProblem('the payload is too large');
      this.#apply(message, base, part);
    } catch (error) {
      if (!(error instanceof PayloadProblem)) throw error;
      this.#host.complain(message.topic, error.message);
    }
  }

  connected(): void {
    for (const [base, known] of this.#networks) {
      for (const described of describeDevices({ base, ...known })) this.#ask(described);
    }
  }

  [Symbol.dispose](): void {
    this.#networks.clear();
    this.#owners.clear();
  }

  #apply({ topic, text }: Message, base: string, part: string): void {
    const known = this.#networks.get(base) ?? {
      devices: [],
      groups: [],
      info: null,
      deviceKeys: new Set(),
      groupKeys: new Set(),
    };
    if (part === 'devices') known.devices = parseDevices(text);
    else if (part === 'groups') known.groups = parseGroups(text);
    else known.info = parseInfo(text);
    if (!this.#networks.has(base) && this.#networks.size >= MAX_NETWORKS) {
      throw new PayloadProblem(`the hub knows ${MAX_NETWORKS} networks of Zigbee2MQTT already`);
    }
    this.#networks.set(base, known);
    if (known.info?.isJson === false) throw new PayloadProblem('its setting advanced.output leaves JSON out');
    // Who is in a group is told by address only.
    if (known.devices.length === 0) return;
    if (part !== 'groups') known.deviceKeys = this.#tellDevices(topic, base, known);
    known.groupKeys = this.#tellGroups(topic, base, known);
  }

  #tellDevices(topic: string, base: string, known: Known): ReadonlySet<string> {
    const told = new Set<string>();
    for (const described of describeDevices({ base, ...known })) {
      told.add(described.key);
      if (this.#announcements.announce(topic, described.key, described.components)) this.#ask(described);
      if (this.#announcements.has(described.key)) this.#owners.set(described.key, base);
    }
    // A device that is turned off or interviewed anew is still in the list; the coordinator proves that it is one.
    if (!known.devices.some(({ isCoordinator }) => isCoordinator))
      return new Set([...known.deviceKeys, ...told]);
    const listed = new Set(known.devices.map(({ ieee }) => ieee));
    return this.#withdrawMissing(base, known.deviceKeys, told, listed);
  }

  #tellGroups(topic: string, base: string, known: Known): ReadonlySet<string> {
    const told = new Set<string>();
    for (const { key, components } of describeGroups({ base, ...known })) {
      if (components.length === 0) continue;
      told.add(key);
      this.#announcements.announce(topic, key, components);
      if (this.#announcements.has(key)) this.#owners.set(key, base);
    }
    return this.#withdrawMissing(
      base,
      known.groupKeys,
      told,
      new Set(known.groups.map(({ id }) => groupKey(base, id))),
    );
  }

  /** @returns what is known from now on */
  #withdrawMissing(
    base: string,
    before: ReadonlySet<string>,
    told: ReadonlySet<string>,
    listed: ReadonlySet<string>,
  ): ReadonlySet<string> {
    const kept = new Set(told);
    for (const key of before) {
      if (listed.has(key)) kept.add(key);
      else if (!told.has(key) && this.#owners.get(key) === base) {
        this.#owners.delete(key);
        this.#announcements.withdraw(key);
      }
    }
    return kept;
  }

  #ask({ request }: Described): void {
    if (request) this.#host.publish({ ...request, qos: 0, retain: false });
  }
}
