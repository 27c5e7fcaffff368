import { errorText } from '../../base/errors.ts';
import { readText } from '../components/fields.ts';
import type { ComponentSpec } from '../discovery/description.ts';
import { isObject, parseObject } from '../discovery/expand.ts';
import { LIMITS } from '../limits.ts';
import type { Message } from '../message.ts';
import { isPublishTopic } from '../topics.ts';
import { COMMAND_SOURCE, OWN_TOPIC } from './shelly-device.ts';
import { toAnnouncement } from './shelly-gen2-announcement.ts';
import { interview } from './shelly-gen2-interview.ts';
import type { Gen2Answers } from './shelly-gen2-part.ts';
import { ANSWER_FILTER, RpcClient } from './shelly-gen2-rpc.ts';
import type { NativeHost } from './types.ts';

/** A topic prefix may hold slashes. One is followed; a device with more of them has to be told through discovery. */
export const GEN2_FILTERS = ['+/online', '+/+/online', '+/events/rpc', '+/+/events/rpc', ANSWER_FILTER];

const ONLINE = '/online';
const EVENTS = '/events/rpc';
const MAX_DEVICES = 500;
/** Devices that are asked at the same time: each answers with up to 20 KiB. */
const MAX_ASKED = 4;
const ANSWER_TIMEOUT_MS = 10_000;
/** After these, a device that does not answer is left alone until it shows itself again. */
const RETRY_DELAYS_MS = [30_000, 120_000, 600_000, 3_600_000];
/** A device that keeps saying that it is online is asked no more often than this. */
const MIN_INTERVAL_MS = 30_000;
/** A sleeping device pays for answers with its battery. */
const SLEEPER_INTERVAL_MS = 24 * 60 * 60 * 1000;
/** Until the subscriptions that an announcement brings about have reached the broker. */
const REFRESH_DELAY_MS = 1_000;

/** The events after which a device has other components, or other names for them. */
const CHANGES = ['"config_changed"', '"component_added"', '"component_removed"'];

/** Whatever says `online` as a Shelly does; whether it is one shows when it answers. */
interface Candidate {
  readonly prefix: string;
  state: 'idle' | 'queued' | 'asked';
  online: boolean | undefined;
  /** It has sent what only a Shelly sends. */
  isShelly: boolean;
  /** Once it has answered: its MAC, and the name by which it signs its messages. */
  key: string | null;
  deviceId: string | null;
  sleeps: boolean;
  failures: number;
  askedMs: number;
  /** What a sleeping device has told, for it can't be asked again; null for others. */
  specs: readonly ComponentSpec[] | null;
  timer: NodeJS.Timeout | undefined;
}

/** Shelly devices of the second and later generations, which are asked by RPC what they are. */
export class ShellyGen2 implements Disposable {
  readonly #host: NativeHost;
  readonly #rpc: RpcClient;
  readonly #candidates = new Map<string, Candidate>();
  readonly #queue = new Set<Candidate>();
  #asked = 0;

  constructor(host: NativeHost) {
    this.#host = host;
    this.#rpc = new RpcClient({
      publish: (message) => host.publish(message),
      complain: (topic, reason) => host.complain(topic, reason),
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
  }

  knows(prefix: string): boolean {
    return this.#candidates.has(prefix);
  }

  handle(message: Message): void {
    const { topic } = message;
    if (topic.startsWith(`${OWN_TOPIC}/`)) {
      if (topic === `${COMMAND_SOURCE}/rpc`) this.#hearRefusal(message);
      else this.#rpc.handle(message);
    } else if (topic.endsWith(EVENTS)) {
      this.#hearNotification(topic.slice(0, -EVENTS.length), message);
    } else if (topic.endsWith(ONLINE)) {
      this.#hearOnline(topic.slice(0, -ONLINE.length), message);
    }
  }

  /** Another generation's topic has told that there is such a device. */
  learn(prefix: string): void {
    const candidate = this.#find(prefix);
    if (!candidate) return;
    candidate.isShelly = true;
    if (candidate.key === null) this.#askSoon(candidate);
  }

  /** What was online may have changed while the hub was away, or is to be told again. */
  connected(): void {
    for (const candidate of this.#candidates.values()) {
      candidate.failures = 0;
      if (candidate.sleeps && candidate.key !== null && candidate.specs) {
        this.#host.announce(candidate.key, candidate.specs);
      } else if (candidate.online !== false) {
        this.#enqueue(candidate);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#rpc[Symbol.dispose]();
    for (const { timer } of this.#candidates.values()) clearTimeout(timer);
    this.#candidates.clear();
    this.#queue.clear();
  }

  #hearOnline(prefix: string, message: Message): void {
    if (message.byteLength > 8) return;
    const text = message.text.trim();
    if (text === 'false') {
      const known = this.#candidates.get(prefix);
      if (known) known.online = false;
      return;
    }
    const candidate = text === 'true' ? this.#find(prefix) : undefined;
    if (!candidate) return;
    // A retained message is the one that was heard before, unless it is the first or the device was gone meanwhile.
    const isNews = candidate.online !== true || !message.retained;
    candidate.online = true;
    if (!isNews) return;
    candidate.failures = 0;
    this.#askSoon(candidate);
  }

  #hearNotification(prefix: string, message: Message): void {
    const known = this.#candidates.get(prefix);
    if (message.byteLength > LIMITS.statePayloadBytes) return;
    if (known?.key) {
      if (CHANGES.some((change) => message.text.includes(change))) this.#askSoon(known);
      return;
    }
    if (known && (known.isShelly || known.state !== 'queued')) {
      if (known.state !== 'idle' || !this.#isDue(known, retryDelay(known))) return;
    }
    if (!isNotification(message)) return;
    const candidate = known ?? this.#find(prefix);
    if (!candidate) return;
    candidate.isShelly = true;
    this.#enqueue(candidate);
  }

  /** A device says why it has not done what a component's command told it to. */
  #hearRefusal(message: Message): void {
    if (message.byteLength > 4096) return;
    try {
      const frame = parseObject(message.text);
      const deviceId = readText(frame, 'src');
      if (!isObject(frame.error) || deviceId === null) return;
      const reason = (readText(frame.error, 'message') ?? 'it gave no reason').slice(0, 200);
      for (const candidate of this.#candidates.values()) {
        if (candidate.deviceId !== deviceId) continue;
        this.#host.complain(`${candidate.prefix}/rpc`, `the device refused a command: ${reason}`);
      }
    } catch {
      // Anybody can publish here; what is no answer concerns nobody.
    }
  }

  /** The candidate of a prefix; undefined when it can't be one, or there are too many. */
  #find(prefix: string): Candidate | undefined {
    const known = this.#candidates.get(prefix);
    if (known) return known;
    if (!isPublishTopic(`${prefix}/status/component:000`) || /[\p{Cc}$]/u.test(prefix)) return undefined;
    if (this.#candidates.size >= MAX_DEVICES && !this.#forgetOne()) {
      this.#host.complain(ONLINE, `the hub knows ${MAX_DEVICES} Shelly devices already and takes no more`);
      return undefined;
    }
    const candidate: Candidate = {
      prefix,
      state: 'idle',
      online: undefined,
      isShelly: false,
      key: null,
      deviceId: null,
      sleeps: false,
      failures: 0,
      askedMs: -Infinity,
      specs: null,
      timer: undefined,
    };
    this.#candidates.set(prefix, candidate);
    return candidate;
  }

  /** Makes room by letting go of what was asked and has never answered. */
  #forgetOne(): boolean {
    for (const candidate of this.#candidates.values()) {
      if (candidate.key === null && candidate.state === 'idle' && candidate.failures > 0) {
        this.#forget(candidate);
        return true;
      }
    }
    return false;
  }

  #forget(candidate: Candidate): void {
    clearTimeout(candidate.timer);
    this.#queue.delete(candidate);
    if (this.#candidates.get(candidate.prefix) === candidate) this.#candidates.delete(candidate.prefix);
  }

  #isDue({ askedMs }: Candidate, intervalMs: number): boolean {
    return performance.now() - askedMs >= intervalMs;
  }

  /** Asks now, or once it may be asked again. */
  #askSoon(candidate: Candidate): void {
    if (candidate.state !== 'idle') return;
    if (candidate.sleeps && !this.#isDue(candidate, SLEEPER_INTERVAL_MS)) return;
    if (this.#isDue(candidate, MIN_INTERVAL_MS)) this.#enqueue(candidate);
    else this.#enqueueIn(candidate, candidate.askedMs + MIN_INTERVAL_MS - performance.now());
  }

  #enqueueIn(candidate: Candidate, delayMs: number): void {
    clearTimeout(candidate.timer);
    candidate.timer = setTimeout(() => this.#enqueue(candidate), delayMs).unref();
  }

  #enqueue(candidate: Candidate): void {
    if (candidate.state !== 'idle') return;
    clearTimeout(candidate.timer);
    candidate.state = 'queued';
    this.#queue.add(candidate);
    this.#askNext();
  }

  #askNext(): void {
    while (this.#asked < MAX_ASKED) {
      const candidate = likeliest(this.#queue);
      if (!candidate) return;
      this.#queue.delete(candidate);
      this.#asked += 1;
      candidate.state = 'asked';
      candidate.askedMs = performance.now();
      interview(this.#rpc, candidate.prefix, (outcome) => {
        this.#asked -= 1;
        candidate.state = 'idle';
        if (this.#candidates.get(candidate.prefix) === candidate) this.#conclude(candidate, outcome);
        this.#askNext();
      });
    }
  }

  #conclude(candidate: Candidate, outcome: Gen2Answers | string | null): void {
    if (typeof outcome === 'string') this.#host.complain(`${candidate.prefix}/rpc`, outcome);
    if (outcome === null || typeof outcome === 'string') {
      this.#retry(candidate);
      return;
    }
    try {
      this.#announce(candidate, outcome);
      candidate.failures = 0;
    } catch (error) {
      this.#host.complain(
        `${candidate.prefix}/rpc`,
        `what the device told can't be used: ${errorText(error)}`,
      );
      this.#retry(candidate);
    }
  }

  #retry(candidate: Candidate): void {
    const delayMs = RETRY_DELAYS_MS[candidate.failures];
    candidate.failures += 1;
    if (delayMs === undefined) {
      // What has shown itself as nothing but `online` may well be something else.
      if (!candidate.isShelly) return;
      const advice = 'switch on "Enable RPC over MQTT" in the MQTT settings of the device';
      this.#host.complain(`${candidate.prefix}/rpc`, `the device does not answer; ${advice}`);
      return;
    }
    if (candidate.online !== false) this.#enqueueIn(candidate, delayMs);
  }

  #announce(candidate: Candidate, answers: Gen2Answers): void {
    const { prefix } = candidate;
    const told = toAnnouncement(prefix, answers);
    for (const [topic, reason] of told.complaints) this.#host.complain(topic, reason);
    if (told.mac === null) return;
    this.#moveHere(candidate, told.mac);
    candidate.key = told.mac;
    candidate.deviceId = told.deviceId;
    candidate.sleeps = told.sleeps;
    const { specs, refresh } = told;
    if (specs === null) return;
    candidate.specs = told.sleeps ? specs : null;
    this.#host.announce(told.mac, specs);
    if (refresh) this.#refreshSoon(candidate, refresh);
  }

  /** A device that was given another topic prefix leaves the old one behind. */
  #moveHere(candidate: Candidate, mac: string): void {
    for (const other of this.#candidates.values()) {
      if (other !== candidate && other.key === mac) this.#forget(other);
    }
  }

  #refreshSoon(candidate: Candidate, { topic, payload }: { topic: string; payload: string }): void {
    // The timer is the candidate's only one: asking it anew would end in a refresh as well.
    clearTimeout(candidate.timer);
    candidate.timer = setTimeout(() => {
      this.#host.publish({ topic, payload, qos: 1, retain: false });
    }, REFRESH_DELAY_MS).unref();
  }
}

/**
 * Who is asked next: whoever has not failed to answer lately, and of these first what has shown that it is a Shelly. Of
 * what says `online` as one does, and never answers, there may be hundreds.
 */
function likeliest(queue: Iterable<Candidate>): Candidate | undefined {
  let best: Candidate | undefined;
  let bestRank = Infinity;
  for (const candidate of queue) {
    const rank = (candidate.failures > 0 ? 2 : 0) + (candidate.isShelly ? 0 : 1);
    if (rank >= bestRank) continue;
    best = candidate;
    bestRank = rank;
  }
  return best;
}

/** How long a device that has not answered is left alone, also when it shows itself. */
function retryDelay({ failures }: Candidate): number {
  return RETRY_DELAYS_MS[failures] ?? RETRY_DELAYS_MS.at(-1) ?? Infinity;
}

function isNotification(message: Message): boolean {
  try {
    const method = readText(parseObject(message.text), 'method');
    return method === 'NotifyStatus' || method === 'NotifyFullStatus' || method === 'NotifyEvent';
  } catch {
    return false;
  }
}
