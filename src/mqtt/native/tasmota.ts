import type { Config } from '../components/fields.ts';
import type { ComponentSpec } from '../discovery/description.ts';
import type { Message } from '../message.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from './types.ts';

import { isObject, parseObject, PayloadProblem } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import { Announcements, DEVICES_PER_PROTOCOL } from './announcements.ts';
import { commandTopic, readDevice, type TasmotaDevice } from './tasmota/device.ts';
import { switchKey, toInputs } from './tasmota/inputs.ts';
import { toOutputs } from './tasmota/outputs.ts';
import { toSensors, toStatus } from './tasmota/sensors.ts';

const TOPIC = /^tasmota\/discovery\/([0-9A-Z_-]{1,32})\/(config|sensors)$/;

/** The two messages of a device, which come in any order and at any time. */
interface Known {
  device: TasmotaDevice | null;
  model: Config | null;
}

/**
 * Tasmota's own discovery, https://tasmota.github.io/docs/Home-Assistant/#tasmota-integration: on by default since
 * version 9.2, and off while SetOption19 makes a device publish Home Assistant's.
 */
export const tasmota: MakeNativeProtocol = (host) => new Tasmota(host);

class Tasmota implements NativeProtocol {
  readonly name = 'tasmota';
  readonly filters: readonly string[] = ['tasmota/discovery/+/config', 'tasmota/discovery/+/sensors'];
  readonly #host: NativeHost;
  readonly #announcements: Announcements;
  readonly #known = new Map<string, Known>();

  constructor(host: NativeHost) {
    this.#host = host;
    this.#announcements = new Announcements(host);
  }

  handle(message: Message): void {
    const [, mac, part] = TOPIC.exec(message.topic) ?? [];
    if (mac === undefined || part === undefined) {
      this.#host.complain(message.topic, 'its topic holds no MAC address');
      return;
    }
    try {
      if (message.byteLength > LIMITS.discoveryPayloadBytes)
        throw new PayloadProblem('the payload is too large');
      const payload = message.isEmpty ? null : parseObject(message.text);
      this.#apply(message.topic, mac, part, payload);
    } catch (error) {
      if (!(error instanceof PayloadProblem)) throw error;
      this.#host.complain(message.topic, error.message);
    }
  }

  /** Tasmota retains none of its states, and the hub may have missed some. */
  connected(): void {
    for (const { device, model } of this.#known.values()) if (device) this.#ask(device, model);
  }

  [Symbol.dispose](): void {
    this.#known.clear();
  }

  #apply(topic: string, mac: string, part: string, payload: Config | null): void {
    const known = this.#known.get(mac) ?? { device: null, model: null };
    if (part === 'config') known.device = payload && readDevice(mac, payload);
    else known.model = payload && readModel(payload);
    if (known.device === null && known.model === null) {
      this.#known.delete(mac);
      this.#announcements.withdraw(mac);
      return;
    }
    if (!this.#known.has(mac) && this.#known.size >= DEVICES_PER_PROTOCOL) {
      throw new PayloadProblem(`the hub knows ${DEVICES_PER_PROTOCOL} such devices already`);
    }
    this.#known.set(mac, known);
    if (known.device === null) return;
    const components = this.#describe(topic, known.device, known.model ?? {});
    if (this.#announcements.announce(topic, mac, components)) this.#ask(known.device, known.model);
  }

  #describe(topic: string, device: TasmotaDevice, model: Config): ComponentSpec[] {
    const { specs, problem } = toSensors(device, model);
    if (problem !== null) this.#host.complain(topic, problem);
    const components = [...toOutputs(device), ...toInputs(device, listSwitches(device, model)), ...specs];
    return [...components, ...toStatus(device)].slice(0, LIMITS.componentsPerDevice);
  }

  #ask(device: TasmotaDevice, model: Config | null): void {
    this.#publish(commandTopic(device, 'STATE'), '');
    if (model !== null) this.#publish(commandTopic(device, 'STATUS'), '10');
  }

  #publish(topic: string, payload: string): void {
    this.#host.publish({ topic, payload, qos: 0, retain: false });
  }
}

function readModel(payload: Config): Config {
  if (!isObject(payload.sn)) throw new PayloadProblem('the payload describes no sensors');
  return payload.sn;
}

/** The keys of the model that are a switch's state. */
function listSwitches(device: TasmotaDevice, model: Config): ReadonlySet<string> {
  const named = new Set(
    device.switchNames.flatMap((name, at) => (name === null ? [] : [switchKey(device, at)])),
  );
  const isSwitch = ([key, value]: [string, unknown]): boolean =>
    typeof value === 'string' && (/^Switch\d+$/.test(key) || named.has(key));
  return new Set(
    Object.entries(model)
      .filter(isSwitch)
      .map(([key]) => key),
  );
}
