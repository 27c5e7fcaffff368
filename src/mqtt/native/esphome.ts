import type { Config } from '../components/fields.ts';
import type { Message } from '../message.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';

import { readText } from '../components/fields.ts';
import { parseObject, PayloadProblem, readLabel } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import { Announcements } from './announcements.ts';

/** Nodes answer to a message on it with their announcement. */
const ASK_TOPIC = 'esphome/discover';

/** The longest name that a node may have is much shorter. */
const MAX_NODE_CHARS = 100;

/**
 * What ESPHome's nodes announce of themselves, retained at `esphome/discover/<node>`: name, address, board and version.
 * It gives a node that has Home Assistant's discovery turned off a name and a place among the devices, and nothing to
 * read or control: it says neither which components there are nor which topics they use. Its one component is the
 * address, which is known for sure. The identifier is the one that ESPHome's discovery uses, so that both are one device.
 */
export const esphome: MakeNativeProtocol = (host) => new Esphome(host);

class Esphome implements NativeProtocol {
  readonly name = 'esphome';
  readonly filters: readonly string[] = [`${ASK_TOPIC}/+`];
  readonly #host: NativeHost;
  readonly #announcements: Announcements;
  /** The MAC by the topic that told it. */
  readonly #macs = new Map<string, string>();

  constructor(host: NativeHost) {
    this.#host = host;
    this.#announcements = new Announcements(host);
  }

  handle(message: Message): void {
    try {
      this.#apply(message);
    } catch (error) {
      if (!(error instanceof PayloadProblem)) throw error;
      this.#host.complain(message.topic, error.message);
    }
  }

  /** For nodes whose retained announcement the broker has lost. */
  connected(): void {
    this.#host.publish({ topic: ASK_TOPIC, payload: '', qos: 0, retain: false });
  }

  [Symbol.dispose](): void {
    this.#macs.clear();
  }

  #apply({ topic, text, isEmpty, byteLength }: Message): void {
    const node = topic.slice(ASK_TOPIC.length + 1);
    if (!topic.startsWith(`${ASK_TOPIC}/`) || node === '' || node.length > MAX_NODE_CHARS) {
      throw new PayloadProblem('its topic names no node');
    }
    const before = this.#macs.get(topic);
    if (isEmpty) {
      this.#macs.delete(topic);
      if (before !== undefined && !this.#isTold(before)) this.#announcements.withdraw(before);
      return;
    }
    if (byteLength > LIMITS.discoveryPayloadBytes) throw new PayloadProblem('the payload is too large');
    const payload = parseObject(text);
    const mac = readText(payload, 'mac')?.replaceAll(/[:-]/g, '').toLowerCase() ?? '';
    if (!/^[0-9a-f]{12}$/.test(mac)) throw new PayloadProblem('the payload holds no MAC address');
    const id = `sensor/esphome_${mac}/ip_address`;
    const config: Config = {
      name: 'IP address',
      entity_category: 'diagnostic',
      state_topic: topic,
      value_template: '{{ value_json.ip }}',
      unique_id: `esphome_${mac}_ip_address`,
      device: toBlock(mac, node, payload),
    };
    this.#announcements.announce(topic, mac, [{ id, type: 'sensor', objectId: 'ip_address', config }]);
    if (this.#announcements.has(mac)) this.#macs.set(topic, mac);
  }

  /** A node that was renamed announces itself at another topic before somebody clears the old one. */
  #isTold(mac: string): boolean {
    return [...this.#macs.values()].includes(mac);
  }
}

function toBlock(mac: string, node: string, payload: Config): Config {
  return {
    identifiers: [mac],
    connections: [['mac', mac]],
    name: readLabel(payload, 'friendly_name') ?? readLabel(payload, 'name') ?? node,
    manufacturer: 'ESPHome',
    model: readLabel(payload, 'board') ?? readLabel(payload, 'platform'),
    sw_version: readLabel(payload, 'version'),
  };
}
