import type { IConnackPacket, IClientOptions, MqttClient } from 'mqtt';

import { connect } from 'mqtt';
import { randomBytes } from 'node:crypto';

import type { Logger } from '../../base/log.ts';
import type { LinkHandlers, MqttLink, MqttProtocol, MqttTlsOptions, OutgoingMessage, Qos } from '../types.ts';

import { errorCode, errorText, HubError, StartError } from '../../base/errors.ts';
import { isFilter, isPublishTopic } from '../topics.ts';
import { readClientTls } from './client-tls.ts';
import { isRefusedLogin, isRefusedVersion, reasonText, tlsAdvice } from './reasons.ts';

export interface ExternalLinkOptions {
  /** mqtt://, mqtts://, ws:// or wss://; without credentials. */
  readonly url: string;
  /** Empty = no credentials. */
  readonly username: string;
  readonly password: string;
  /** Files for mqtts:// and wss://; null = what the system trusts, and no certificate of our own. */
  readonly tls?: MqttTlsOptions | null;
  /** Default `auto`: MQTT 5, or 3.1.1 where the broker refuses that. */
  readonly protocol?: MqttProtocol;
  readonly log: Logger;
  /** Told to everybody by the broker when the hub vanishes. */
  readonly will?: OutgoingMessage;
  /** How long to wait for the broker's first answer before the hub starts without it. Default 5 s. */
  readonly firstAnswerMs?: number;
}

/** Waits between attempts: quick after a broker's restart, calm when it stays away. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** A broker on the same network acknowledges within milliseconds; the person who waits gives up at some point. */
const TAKEN_WITHIN_MS = 3_000;

/** Before the same broker is asked once more in its own version of MQTT. */
const OTHER_VERSION_MS = 50;

/** Beside topic and payload: the fixed header, the topic's length, the packet id, empty properties. */
const PUBLISH_OVERHEAD_BYTES = 10;

/** The hub as a client of a broker that somebody else runs. */
export class ExternalLink implements MqttLink {
  readonly #options: ExternalLinkOptions;
  readonly #handlers: LinkHandlers;
  readonly #client: MqttClient;
  readonly tlsUrl = null;
  readonly users = null;
  #lastProblem = '';
  /** What went wrong with the present attempt; undefined while nothing has. */
  #problem: string | undefined;
  #largestPacketBytes = Infinity;
  #highestQos: Qos = 2;
  #isStopping = false;
  #closing: Promise<void> | undefined;

  private constructor(options: ExternalLinkOptions, handlers: LinkHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#client = connect(options.url, {
      ...(options.username === '' ? {} : { username: options.username, password: options.password }),
      clientId: `funkygibbon_${randomBytes(6).toString('hex')}`,
      clean: true,
      protocolVersion: options.protocol === '3.1.1' ? 4 : 5,
      keepalive: 30,
      connectTimeout: 10_000,
      reconnectPeriod: FIRST_RETRY_MS,
      reconnectOnConnackError: true,
      // mqtt.js would put all filters into one packet, and take one refused filter for a refusal of all.
      resubscribe: false,
      queueQoSZero: false,
      manualConnect: true,
      ...this.#tlsOptions(),
      ...(options.will ? { will: toWill(options.will) } : {}),
    });
  }

  /**
   * Connects, or, when the broker is not there, keeps trying in the background: the house must not stay dark because
   * the broker starts later.
   * @throws StartError when the broker refuses the credentials, or the URL is none.
   */
  static async start(options: ExternalLinkOptions, handlers: LinkHandlers): Promise<ExternalLink> {
    if (!/^(mqtts?|wss?):\/\//.test(options.url) || !URL.canParse(options.url)) {
      throw new StartError('mqtt', 'mqtt.url must begin with mqtt://, mqtts://, ws:// or wss://.', {
        badConfiguration: true,
      });
    }
    const link = new ExternalLink(options, handlers);
    try {
      await link.#firstAnswer();
      return link;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    const url = new URL(this.#options.url);
    url.username = '';
    url.password = '';
    return url.href.replace(/\/$/, '');
  }

  get connected(): boolean {
    return this.#client.connected && !this.#isStopping;
  }

  subscribe(filter: string, qos: Qos): void {
    if (!this.connected || !isFilter(filter)) return;
    this.#client.subscribe(filter, { qos }, (error, _granted, packet) => {
      if (!error || !this.connected) return;
      const code = packet?.granted.find((granted) => Number(granted) >= 128);
      const reason = code === undefined ? problemText(error) : reasonText(Number(code));
      this.#options.log.warn({ filter, reason }, 'the MQTT broker refused a subscription');
    });
  }

  unsubscribe(filter: string): void {
    if (!this.connected || !isFilter(filter)) return;
    this.#client.unsubscribe(filter, (error) => {
      if (error && this.connected) {
        this.#options.log.debug({ filter, reason: error.message }, 'the MQTT broker kept a subscription');
      }
    });
  }

  publish(message: OutgoingMessage): void {
    const { topic } = message;
    this.#send(message, (error) => {
      if (error) this.#options.log.warn({ topic, reason: problemText(error) }, 'a message was not delivered');
    });
  }

  async deliver(message: OutgoingMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const notTaken = (reason: string): HubError =>
      new HubError('unavailable', `The MQTT broker at ${this.url} did not take the command: ${reason}.`);
    const messageId = this.#send(message, (error) => {
      if (error) reject(notTaken(problemText(error)));
      else resolve();
    });
    const timer = setTimeout(() => {
      reject(notTaken(`no answer within ${TAKEN_WITHIN_MS / 1000} s`));
      // mqtt.js keeps it and would send it again after the next connect, when nobody expects it any more.
      if (messageId !== null) this.#client.removeOutgoingMessage(messageId);
    }, TAKEN_WITHIN_MS);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /**
   * `done` is called once the broker has the message: with QoS 0 when it is written, else when it is acknowledged.
   * Returns the packet's number where it is to be acknowledged, otherwise null.
   */
  #send(message: OutgoingMessage, done: (error?: Error) => void): number | null {
    const { topic, payload, qos, retain } = message;
    // A broker cuts the connection for a bad topic, and mqtt.js would send the message again after each reconnect.
    if (!isPublishTopic(topic)) {
      throw new HubError('invalid', `The device asks for commands at "${topic}", which is no MQTT topic.`);
    }
    // Queued until the broker is back, a command would switch the lamp when nobody expects it any more.
    if (!this.connected) {
      throw new HubError(
        'unavailable',
        `The MQTT broker at ${this.url} is not reachable; try again in a moment.`,
      );
    }
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + PUBLISH_OVERHEAD_BYTES;
    // The broker would cut the connection, with everybody else's messages in it.
    if (bytes > this.#largestPacketBytes) {
      throw new HubError(
        'invalid',
        `The message for "${topic}" is larger than the ${this.#largestPacketBytes} bytes that the MQTT broker takes.`,
      );
    }
    const accepted = qos > this.#highestQos ? this.#highestQos : qos;
    this.#client.publish(topic, payload, { qos: accepted, retain }, done);
    return accepted === 0 ? null : this.#client.getLastMessageId();
  }

  async #firstAnswer(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#logProblem(`no answer from ${this.url}`);
      resolve();
    }, this.#options.firstAnswerMs ?? 5_000);
    this.#watch((outcome) => {
      if (outcome instanceof StartError) reject(outcome);
      else resolve();
    });
    this.#client.connect();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Wires the client's events; `answered` is called at each outcome, of which only the first matters. */
  #watch(answered: (refusal?: StartError) => void): void {
    const client = this.#client;
    let wasConnected = false;
    client.on('connect', (packet) => {
      wasConnected = true;
      this.#lastProblem = '';
      client.options.reconnectPeriod = FIRST_RETRY_MS;
      this.#noteLimits(packet);
      const protocol = client.options.protocolVersion === 5 ? '5' : '3.1.1';
      this.#options.log.info({ url: this.url, protocol }, 'connected to the MQTT broker');
      answered();
      this.#handlers.connected();
    });
    client.on('message', (topic, payload, packet) => {
      this.#handlers.message({ topic, payload, retained: packet.retain });
    });
    client.on('disconnect', ({ reasonCode }) => {
      this.#problem = reasonText(reasonCode ?? 0);
    });
    client.on('error', (error) => {
      this.#problem = problemText(error);
      if (isRefusedVersion(reasonOf(error)) && this.#changeVersion()) return;
      this.#logProblem(this.#problem);
      answered(refusalOf(error, this.url));
    });
    client.on('reconnect', () => {
      this.#problem = undefined;
      this.#reloadTls();
    });
    client.on('close', () => {
      if (this.#isStopping) return;
      if (!wasConnected) {
        // Old brokers hang up without a word on a version that they do not know.
        if (this.#problem === undefined) this.#changeVersion();
        const periodMs = client.options.reconnectPeriod ?? FIRST_RETRY_MS;
        client.options.reconnectPeriod = Math.min(Math.max(periodMs, FIRST_RETRY_MS) * 2, LAST_RETRY_MS);
        return;
      }
      wasConnected = false;
      this.#logProblem(this.#problem ?? 'the connection was closed');
      this.#handlers.disconnected();
    });
  }

  /** With `auto`, has the next attempt made in the other version, soon. */
  #changeVersion(): boolean {
    if ((this.#options.protocol ?? 'auto') !== 'auto') return false;
    const { options } = this.#client;
    options.protocolVersion = options.protocolVersion === 5 ? 4 : 5;
    if (options.protocolVersion === 4) options.reconnectPeriod = OTHER_VERSION_MS;
    return true;
  }

  /** What a broker of MQTT 5 says of itself. */
  #noteLimits({ properties }: IConnackPacket): void {
    this.#largestPacketBytes = properties?.maximumPacketSize ?? Infinity;
    const highest = properties?.maximumQoS;
    this.#highestQos = highest === 0 || highest === 1 ? highest : 2;
  }

  #tlsOptions(): IClientOptions {
    if (!isSecure(this.#options.url)) return {};
    const tls = readClientTls(this.#options.tls ?? null);
    return { ...tls, wsOptions: { ...tls } };
  }

  /** The files may have been renewed. While they cannot be used, what was read before goes on. */
  #reloadTls(): void {
    try {
      Object.assign(this.#client.options, this.#tlsOptions());
    } catch (error) {
      this.#logProblem(errorText(error));
    }
  }

  #logProblem(reason: string): void {
    if (this.#isStopping || reason === this.#lastProblem) return;
    this.#lastProblem = reason;
    this.#options.log.warn({ url: this.url, reason }, 'the MQTT broker is not reachable; trying again');
  }

  async #close(): Promise<void> {
    // mqtt.js arms its reconnect timer once more when the stream closes after the end.
    this.#client.options.reconnectPeriod = 0;
    // Forced: a polite end waits for every acknowledgement, and so for ever when the broker hangs.
    await new Promise<void>((resolve) => {
      this.#client.end(true, {}, () => resolve());
    });
  }
}

function toWill({ topic, payload, qos, retain }: OutgoingMessage): {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
} {
  return { topic, payload: Buffer.from(payload), qos, retain };
}

function isSecure(url: string): boolean {
  return /^(mqtts|wss):/.test(url);
}

function reasonOf(error: Error): number {
  return 'code' in error && typeof error.code === 'number' ? error.code : 0;
}

/** A refused connection to a name with several addresses is an AggregateError with an empty message. */
function problemText(error: Error): string {
  const reason = reasonOf(error);
  if (reason > 0) return reasonText(reason);
  return tlsAdvice(errorCode(error)) ?? (errorText(error) || (errorCode(error) ?? error.name));
}

/** The refusals that only a person can do something about; the rest may go away by itself. */
function refusalOf(error: Error, url: string): StartError | undefined {
  const reason = reasonOf(error);
  const advice = tlsAdvice(errorCode(error));
  if (isRefusedLogin(reason)) {
    return badConfiguration(
      `the broker at ${url} refused the user name or password. Set mqtt.username and mqtt.password to an account of ` +
        'that broker, or use the built-in one with mqtt.mode = embedded.',
    );
  }
  if (isRefusedVersion(reason)) {
    return badConfiguration(
      `the broker at ${url} does not speak the version of MQTT in mqtt.protocol. Set it to auto.`,
    );
  }
  return advice === undefined ? undefined : badConfiguration(`the broker at ${url}: ${advice}.`);
}

function badConfiguration(text: string): StartError {
  return new StartError('mqtt', text, { badConfiguration: true });
}
