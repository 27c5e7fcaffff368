import { hash } from 'node:crypto';

import { errorText } from '../../base/errors.ts';
import { readNumber, readText, type Config } from '../components/fields.ts';
import { parseObject, readLabel } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import type { Message } from '../message.ts';
import { toDeviceBlock, toMac, toSpec } from './shelly-device.ts';
import { readLightTraits, type LightTrait } from './shelly-gen1-lights.ts';
import { findGen1Model, readIdDigits, topicsOf } from './shelly-gen1-models.ts';
import { needsSample, toGen1Drafts, toTopicForm, type Gen1Topic } from './shelly-gen1-topics.ts';
import type { NativeHost } from './types.ts';

/** All of the first generation is below one topic, and the states are part of what tells the device. */
export const GEN1_FILTERS = ['shellies/#'];

const ROOT = 'shellies/';
const ANNOUNCE = 'announce';
const MAX_DEVICES = 500;
const MAX_TOPICS = 64;
const MAX_ID_CHARS = 64;
/** An announcement has about 200 bytes. */
const MAX_ANNOUNCE_BYTES = 4096;
/** A device's retained topics arrive in a burst: they are told of together. */
const ANNOUNCE_DELAY_MS = 500;

interface Device {
  readonly id: string;
  /** By their paths. */
  readonly topics: Map<string, Gen1Topic>;
  mac: string | null;
  code: string | null;
  mode: string | null;
  swVersion: string | null;
}

/** Shelly devices of the first generation, known by what they announce and by the topics that they have. */
export class ShellyGen1 implements Disposable {
  readonly #host: NativeHost;
  /** A device of a later generation has announced itself here, with this topic prefix. */
  readonly #foundGen2: (prefix: string) => void;
  readonly #devices = new Map<string, Device>();
  readonly #toAnnounce = new Set<Device>();
  #timer: NodeJS.Timeout | undefined;

  constructor(host: NativeHost, foundGen2: (prefix: string) => void) {
    this.#host = host;
    this.#foundGen2 = foundGen2;
  }

  handle(message: Message): void {
    if (message.isEmpty || !message.topic.startsWith(ROOT)) return;
    const rest = message.topic.slice(ROOT.length);
    const slash = rest.indexOf('/');
    if (slash === -1) {
      if (rest === ANNOUNCE) this.#hearAnnouncement(null, message);
      return;
    }
    const [id, path] = [rest.slice(0, slash), rest.slice(slash + 1)];
    if (path === ANNOUNCE) this.#hearAnnouncement(id, message);
    else if (path === 'online') this.#hearOnline(id);
    else this.#hearTopic(id, path, message);
  }

  /** Has every device say what it is, for that is not retained, and tells again what is known. */
  connected(): void {
    for (const device of this.#devices.values()) this.#announceSoon(device);
    this.#host.publish({ topic: `${ROOT}command`, payload: ANNOUNCE, qos: 0, retain: false });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#toAnnounce.clear();
    this.#devices.clear();
  }

  #hearAnnouncement(topicId: string | null, message: Message): void {
    if (message.byteLength > MAX_ANNOUNCE_BYTES) {
      this.#host.complain(message.topic, 'a Shelly announces itself with more than the hub takes');
      return;
    }
    let told: Config;
    try {
      told = parseObject(message.text);
    } catch (error) {
      this.#host.complain(message.topic, `an announcement can't be used: ${errorText(error)}`);
      return;
    }
    const id = topicId ?? readText(told, 'id');
    if ((readNumber(told, 'gen') ?? 1) > 1) {
      // On the shared topic it does not tell its prefix; the device is found by its own topics.
      if (topicId !== null) this.#foundGen2(ROOT + topicId);
      return;
    }
    const device = id === null ? undefined : this.#find(id);
    if (!device) return;
    device.mac = toMac(told.mac) ?? device.mac;
    device.code = readLabel(told, 'model') ?? device.code;
    device.mode = readText(told, 'mode') ?? device.mode;
    device.swVersion = readLabel(told, 'fw_ver') ?? device.swVersion;
    this.#announceSoon(device);
  }

  /** What the model alone says is enough to begin with. */
  #hearOnline(id: string): void {
    if (this.#devices.has(id) || !findGen1Model(id, null)) return;
    const device = this.#find(id);
    if (device) this.#announceSoon(device);
  }

  #hearTopic(id: string, path: string, message: Message): void {
    // The position is told beside the cover's own topic, and not before it.
    const own = path.endsWith('/pos') ? path.slice(0, -'/pos'.length) : path;
    if (this.#devices.get(id)?.topics.has(own)) return;
    const form = toTopicForm(own);
    if (form === undefined) return;
    const traits = readSample(form, message);
    if (traits === null) return;
    const device = this.#find(id);
    if (!device) return;
    if (device.topics.size >= MAX_TOPICS) {
      this.#host.complain(ROOT + id, `only the first ${MAX_TOPICS} topics of the device are looked at`);
      return;
    }
    device.topics.set(own, { path: own, traits });
    this.#announceSoon(device);
  }

  #find(id: string): Device | undefined {
    const known = this.#devices.get(id);
    if (known) return known;
    if (id === '' || id === 'command' || id.length > MAX_ID_CHARS || /[/+#\p{Cc}]/u.test(id))
      return undefined;
    if (this.#devices.size >= MAX_DEVICES) {
      this.#host.complain(ROOT, `the hub knows ${MAX_DEVICES} Shelly devices already and takes no more`);
      return undefined;
    }
    const device = {
      id,
      topics: new Map(),
      mac: toMac(readIdDigits(id)),
      code: null,
      mode: null,
      swVersion: null,
    };
    this.#devices.set(id, device);
    return device;
  }

  #announceSoon(device: Device): void {
    this.#toAnnounce.add(device);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const devices = [...this.#toAnnounce];
      this.#toAnnounce.clear();
      for (const announced of devices) this.#announce(announced);
    }, ANNOUNCE_DELAY_MS).unref();
  }

  #announce(device: Device): void {
    const { id, mac, mode, swVersion } = device;
    const model = findGen1Model(id, device.code);
    const code = device.code ?? model?.code ?? null;
    const certain = (model ? topicsOf(model, mode) : []).map((path): Gen1Topic => ({ path, traits: [] }));
    const topics = new Map(certain.map((topic) => [topic.path, topic]));
    for (const [path, topic] of device.topics) topics.set(path, topic);
    const drafts = toGen1Drafts([...topics.values()], ROOT + id, code);
    if (drafts.length === 0) return;
    // Only what runs on a battery and is not in the table tells of one: then it sleeps, as nearly all of those do.
    const sleeps = model?.sleeps ?? topics.has('sensor/battery');
    const block = toDeviceBlock({
      mac,
      fallbackId: id,
      name: toName(id, model?.name ?? null),
      model: model?.name ?? code,
      modelId: code,
      swVersion,
    });
    const frame = { key: toKey(id), device: block, onlineTopic: sleeps ? null : `${ROOT}${id}/online` };
    this.#host.announce(
      frame.key,
      drafts.map((draft) => toSpec(draft, frame)),
    );
  }
}

/** What a first message shows beyond its topic; null where it is not what the topic makes it out to be. */
function readSample(form: string, message: Message): readonly LightTrait[] | null {
  if (!needsSample(form)) return [];
  const status = message.byteLength <= LIMITS.statePayloadBytes ? message.jsonObject : undefined;
  if (!status) return null;
  if (form === 'status') return 'motion' in status ? [] : null;
  return typeof status.ison === 'boolean' ? readLightTraits(status) : null;
}

/** An id that a person chose is the best name; the factory's is long. */
function toName(id: string, model: string | null): string {
  const digits = readIdDigits(id);
  return digits === null || model === null ? id : `${model} ${digits.slice(-6).toUpperCase()}`;
}

/**
 * The id with nothing in it that means something in an identity. The MAC would be no better: it is learnt later than
 * the topics, and the identity must not change then.
 */
function toKey(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return plain === id ? id : `${plain}_${hash('sha1', id, 'hex').slice(0, 8)}`;
}
