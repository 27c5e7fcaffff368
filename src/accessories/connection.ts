import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { HapAddress } from './http-client.ts';
import type {
  AccessoryConnection,
  AccessoryPairing,
  CharacteristicAnswer,
  CharacteristicId,
  CharacteristicWrite,
  ConnectionListener,
  ConnectionState,
  FoundAccessory,
  HapAccessory,
} from './types.ts';

import { errorText } from '../base/errors.ts';
import { AccessoryError } from './errors.ts';
import { KnownAccessories } from './known-accessories.ts';
import { HapSession } from './session.ts';

export interface ConnectionOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** How often everything is read, for accessories that forget to tell. Default 60 s. */
  readonly pollMs?: number;
  /** The first pause after a failure; it doubles up to `maxPauseMs`. Default 1 s. */
  readonly minPauseMs?: number;
  /** Default 60 s. */
  readonly maxPauseMs?: number;
  /** How long an accessory may take for an answer. Default 10 s. */
  readonly answerMs?: number;
}

/** An accessory that does not know us is asked rarely: only a person can change that. */
const HOPELESS_PAUSE_MS = 10 * 60_000;

/** HAP's status of a characteristic that is not there any more: the list has changed. */
const GONE = -70409;

/**
 * Holds a paired accessory. While the loop runs there is a session or an attempt at one; each new session reads the list
 * of services, subscribes, and reads the values after that, so that no change in between is lost.
 */
export class HapAccessoryConnection implements AccessoryConnection {
  readonly id: string;
  readonly #pairing: AccessoryPairing;
  readonly #listener: ConnectionListener;
  readonly #options: ConnectionOptions;
  readonly #known = new KnownAccessories();
  readonly #stop = new AbortController();
  /** Where it says it is, and where it has last proven to be: what is announced may be forged. */
  #where: HapAddress;
  #proven: HapAddress;
  #attempts = 0;
  #session: HapSession | undefined;
  #state: ConnectionState = 'connecting';
  #reason: AccessoryError | null = null;
  #configNumber: number | null = null;
  #wake: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #rereadAsked = false;
  readonly #loop: Promise<void>;

  constructor(pairing: AccessoryPairing, listener: ConnectionListener, options: ConnectionOptions) {
    this.id = pairing.id;
    this.#pairing = pairing;
    this.#listener = listener;
    this.#options = options;
    this.#where = { address: pairing.address, port: pairing.port };
    this.#proven = this.#where;
    this.#loop = this.#run();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get reason(): AccessoryError | null {
    return this.#reason;
  }

  get where(): HapAddress {
    return this.#proven;
  }

  accessories(): readonly HapAccessory[] {
    return this.#known.accessories;
  }

  async read(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]> {
    const answers = await this.#connected().read(ids);
    this.#tell(answers, false);
    return answers;
  }

  async write(writes: readonly CharacteristicWrite[]): Promise<CharacteristicAnswer[]> {
    const session = this.#connected();
    const timed = writes.some(({ id }) => this.#known.can(id, 'tw'));
    const answers = await session.write(writes, timed);
    // Whoever wrote is not told of it by an event: what it became must be asked for.
    const written = answers.filter(({ id, status }) => status === 0 && this.#known.isReadable(id));
    if (written.length > 0)
      this.#readSoon(
        session,
        written.map(({ id }) => id),
      );
    return answers;
  }

  async subscribe(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]> {
    this.#known.want(ids);
    const session = this.#session;
    return session ? await session.subscribe(ids) : [];
  }

  seen(found: FoundAccessory): void {
    if (found.id !== this.id) return;
    const isNewConfig = found.configNumber !== null && found.configNumber !== this.#configNumber;
    if (isNewConfig) this.#configNumber = found.configNumber;
    const hasMoved = found.address !== this.#where.address || found.port !== this.#where.port;
    this.#where = { address: found.address, port: found.port };
    // It may announce further addresses while the connection is well: that one is kept.
    if (this.#session === undefined) {
      if (hasMoved) this.#attempts = 0;
      if (hasMoved || this.#reason?.fault === 'unreachable') this.#wake?.();
    } else if (isNewConfig) this.#reread();
  }

  async unpair(): Promise<void> {
    const { keys } = this.#pairing;
    try {
      if (this.#session) await this.#session.removePairing(keys);
      else {
        using session = await this.#openSession(this.#where);
        await session.removePairing(keys);
      }
    } catch (error) {
      // The answer may be lost with the connection that the accessory ends: ask it whether it still knows us.
      if (!(await this.#isForgotten(error))) throw error;
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    this.#session?.[Symbol.dispose]();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { minPauseMs = 1000, maxPauseMs = 60_000, clock } = this.#options;
    let pauseMs = minPauseMs;
    while (!this.#stop.signal.aborted) {
      this.#become('connecting', this.#reason);
      const sinceMs = clock.monotonicMs();
      const error = await this.#holdSession();
      if (this.#stop.signal.aborted) break;
      // Only a session that lasted says that all is well again.
      if (clock.monotonicMs() - sinceMs > maxPauseMs) pauseMs = minPauseMs;
      const { log } = this.#options;
      log.info({ accessory: this.id, reason: error.message }, 'the connection to an accessory is down');
      this.#become('waiting', error);
      await this.#pause(
        error.fault === 'not_paired'
          ? Math.max(HOPELESS_PAUSE_MS, pauseMs)
          : pauseMs * (0.8 + 0.4 * Math.random()),
      );
      pauseMs = Math.min(maxPauseMs, pauseMs * 2);
    }
    this.#become('stopped', null);
  }

  /** Returns why it ended. */
  async #holdSession(): Promise<AccessoryError> {
    let session: HapSession | undefined;
    try {
      const where = this.#attempts % 2 === 0 ? this.#where : this.#proven;
      this.#attempts += 1;
      session = await this.#openSession(where);
      if (this.#stop.signal.aborted) throw new AccessoryError('stopped');
      this.#attempts = 0;
      this.#proven = where;
      const held = session;
      session.onEvents((told) => this.#tell(told, true));
      this.#session = session;
      await this.#readAll(session);
      this.#become('connected', null);
      const poll = setInterval(() => this.#readSoon(held), this.#options.pollMs ?? 60_000);
      try {
        return await session.closed;
      } finally {
        clearInterval(poll);
      }
    } catch (error) {
      return error instanceof AccessoryError ? error : new AccessoryError('protocol', errorText(error));
    } finally {
      this.#session = undefined;
      session?.[Symbol.dispose]();
      await this.#reading;
    }
  }

  /** The list, then events, then the values. */
  async #readAll(session: HapSession): Promise<void> {
    do {
      this.#rereadAsked = false;
      if (this.#known.replace(await session.accessories())) {
        this.#call(() => this.#listener.onAccessories(this.#known.accessories));
      }
      await session.subscribe(this.#known.subscribable());
      await this.#readValues(session);
    } while (this.#rereadAsked);
  }

  async #readValues(session: HapSession, ids?: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]> {
    const answers = await session.read(ids ?? this.#known.readable());
    this.#tell(answers, false);
    if (ids === undefined) this.#call(() => this.#listener.onPolled?.(answers));
    return answers;
  }

  #reread(): void {
    this.#rereadAsked = true;
    const session = this.#session;
    if (!session || this.#state !== 'connected') return;
    this.#afterReading(async () => await (this.#rereadAsked ? this.#readAll(session) : undefined));
  }

  #readSoon(session: HapSession, ids?: readonly CharacteristicId[]): void {
    // A poll that is still under way is enough.
    if (ids === undefined && this.#reading) return;
    this.#afterReading(async () => {
      const answers = await this.#readValues(session, ids);
      if (answers.some(({ status }) => status === GONE)) await this.#readAll(session);
    });
  }

  /** One after the other, and known to whoever ends the session. A failure ends that by itself. */
  #afterReading(body: () => Promise<void>): void {
    const before = this.#reading;
    const run = async (): Promise<void> => {
      await before;
      try {
        await body();
      } catch (error) {
        this.#options.log.info(
          { accessory: this.id, reason: errorText(error) },
          'an accessory could not be read',
        );
      }
    };
    const reading = run().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
  }

  #tell(answers: readonly CharacteristicAnswer[], isEvent: boolean): void {
    const values = this.#known.take(answers, isEvent);
    if (values.length > 0) this.#call(() => this.#listener.onValues(values));
  }

  #become(state: ConnectionState, reason: AccessoryError | null): void {
    this.#reason = reason;
    if (this.#state === state) return;
    this.#state = state;
    this.#call(() => this.#listener.onState(state, reason));
  }

  /** A listener that throws must not end the session. */
  #call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.log.error({ err: error, accessory: this.id }, 'a follower of an accessory failed');
    }
  }

  #connected(): HapSession {
    // Without the list it is not known which writes must be timed.
    if (this.#session && this.#known.accessories.length > 0) return this.#session;
    if (this.#state === 'stopped') throw new AccessoryError('stopped');
    throw this.#reason ?? new AccessoryError('unreachable', 'it is being connected');
  }

  async #openSession(where: HapAddress): Promise<HapSession> {
    const { answerMs } = this.#options;
    const { signal } = this.#stop;
    return await HapSession.open(where, this.id, this.#pairing.keys, {
      signal,
      ...(answerMs === undefined ? {} : { answerMs }),
    });
  }

  async #isForgotten(error: unknown): Promise<boolean> {
    if (!(error instanceof AccessoryError)) return false;
    if (error.fault === 'not_paired') return true;
    if (error.fault !== 'dropped' && error.fault !== 'timeout') return false;
    try {
      (await this.#openSession(this.#where))[Symbol.dispose]();
      return false;
    } catch (second) {
      return second instanceof AccessoryError && second.fault === 'not_paired';
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    if (this.#stop.signal.aborted) resolve();
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
