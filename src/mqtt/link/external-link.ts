import type { ErrorWithReasonCode, MqttClient } from 'mqtt';

import { connect } from 'mqtt';
import { randomBytes } from 'node:crypto';

import type { Logger } from '../../base/log.ts';
import type { LinkHandlers, MqttLink, OutgoingMessage, Qos } from '../types.ts';

import { errorCode, errorText, HubError, StartError } from '../../base/errors.ts';
import { isFilter, isPublishTopic } from '../topics.ts';

export interface ExternalLinkOptions {
  /** mqtt://, mqtts://, ws:// or wss://; without credentials. */
  readonly url: string;
  /** Empty = no credentials. */
  readonly username: string;
  readonly password: string;
  readonly log: Logger;
  /** Told to everybody by the broker when the hub vanishes. */
  readonly will?: OutgoingMessage;
  /** How long to wait for the broker's first answer before the hub starts without it. Default 5 s. */
  readonly firstAnswerMs?: number;
}

/** Waits between attempts: quick after a broker's restart, calm when it stays away. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** "Bad user name or password" and "not authorized", of MQTT 3.1.1 and of MQTT 5. */
const REFUSED_LOGIN = new Set([4, 5, 134, 135]);

/** The hub as a client of a broker that somebody else runs. */
export class ExternalLink implements MqttLink {
  readonly #options: ExternalLinkOptions;
  readonly #handlers: LinkHandlers;
  readonly #client: MqttClient;
  #lastProblem = '';
  #isStopping = false;
  #closing: Promise<void> | undefined;

  private constructor(options: ExternalLinkOptions, handlers: LinkHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#client = connect(options.url, {
      ...(options.username === '' ? {} : { username: options.username, password: options.password }),
      clientId: `funkygibbon_${randomBytes(6).toString('hex')}`,
      clean: true,
      keepalive: 30,
      connectTimeout: 10_000,
      reconnectPeriod: FIRST_RETRY_MS,
      reconnectOnConnackError: true,
      // mqtt.js would put all filters into one packet, and take one refused filter for a refusal of all.
      resubscribe: false,
      queueQoSZero: false,
      manualConnect: true,
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
    this.#client.subscribe(filter, { qos }, (error) => {
      if (error && this.connected) {
        this.#options.log.warn({ filter, reason: error.message }, 'the MQTT broker refused a subscription');
      }
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
    this.#client.publish(topic, payload, { qos, retain }, (error) => {
      if (error) this.#options.log.warn({ topic, reason: error.message }, 'a message was not delivered');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#closing ??= this.#close();
    await this.#closing;
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
    client.on('connect', () => {
      wasConnected = true;
      this.#lastProblem = '';
      client.options.reconnectPeriod = FIRST_RETRY_MS;
      this.#options.log.info({ url: this.url }, 'connected to the MQTT broker');
      answered();
      this.#handlers.connected();
    });
    client.on('message', (topic, payload, packet) => {
      this.#handlers.message({ topic, payload, retained: packet.retain });
    });
    client.on('error', (error: Error | ErrorWithReasonCode) => {
      const code = 'code' in error && typeof error.code === 'number' ? error.code : 0;
      this.#logProblem(problemText(error));
      answered(REFUSED_LOGIN.has(code) ? refusedLogin(this.url) : undefined);
    });
    client.on('close', () => {
      if (this.#isStopping) return;
      const periodMs = client.options.reconnectPeriod ?? FIRST_RETRY_MS;
      if (!wasConnected) client.options.reconnectPeriod = Math.min(periodMs * 2, LAST_RETRY_MS);
      if (!wasConnected) return;
      wasConnected = false;
      this.#logProblem('the connection was closed');
      this.#handlers.disconnected();
    });
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

/** A refused connection to a name with several addresses is an AggregateError with an empty message. */
function problemText(error: Error): string {
  return errorText(error) || (errorCode(error) ?? error.name);
}

function refusedLogin(url: string): StartError {
  return new StartError(
    'mqtt',
    `the broker at ${url} refused the user name or password. Set mqtt.username and mqtt.password to an account of that ` +
      'broker, or use the built-in one with mqtt.mode = embedded.',
    { badConfiguration: true },
  );
}
