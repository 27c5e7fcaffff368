import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ChildReady, Order } from './accessory-child.ts';

import { AccessoryError } from '../../src/accessories/errors.ts';
import type {
  AccessoryConnection,
  ConnectionListener,
  ConnectionState,
  FoundAccessory,
  HapAccessory,
  HapCharacteristic,
  ToldValue,
} from '../../src/accessories/types.ts';
import { characteristicName, serviceName } from '../../src/accessories/hap-types.ts';

export const CODE = '031-45-154';

/** Where an accessory stands: the network namespace, and its address there. */
export interface Place {
  readonly network: string;
  address: string;
}

/** A real accessory in a child process. */
export class TestAccessory implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'accessory-'));
  readonly #kind: string;
  readonly #place: Place | null;
  readonly id: string;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(kind: string, id: string, place: Place | null) {
    this.#kind = kind;
    this.#place = place;
    this.id = id;
  }

  /** @param place null for loopback, unannounced */
  static async start(
    kind: string,
    id = 'CA:FE:00:00:00:01',
    place: Place | null = null,
  ): Promise<TestAccessory> {
    const accessory = new TestAccessory(kind, id, place);
    await accessory.start();
    return accessory;
  }

  get found(): FoundAccessory {
    return {
      id: this.id,
      name: this.#kind,
      model: null,
      address: this.#place?.address ?? '127.0.0.1',
      port: this.#port,
      isPairable: true,
      configNumber: 1,
      category: null,
      protocolVersion: '1.1',
    };
  }

  /** Again on the same port, or on another one; at the address that its place has by now. */
  async start(port = this.#port): Promise<void> {
    const words = [this.#folder, this.#kind, this.id, String(port)];
    if (this.#place) words.push(this.#place.address);
    const child = startChild('accessory-child.ts', words, this.#place?.network ?? null);
    this.#child = child;
    const ready = (await firstMessage(child)) as ChildReady;
    this.#port = ready.port;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** As a pulled cable: the connections stay, and nothing is answered. */
  freeze(on: boolean): void {
    this.#child?.kill(on ? 'SIGSTOP' : 'SIGCONT');
  }

  async order(order: Order): Promise<void> {
    if (!this.#child) throw new Error('the accessory does not run');
    this.#child.send(order);
    await once(this.#child, 'message');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One of the programs beside this one, with a channel for messages, in a network namespace where one is given. */
export function startChild(file: string, words: readonly string[], network: string | null): ChildProcess {
  const line = [process.execPath, join(import.meta.dirname, file), ...words];
  const [program = '', ...rest] = network === null ? line : ['ip', 'netns', 'exec', network, ...line];
  return spawn(program, rest, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
}

/** What the child says when it is ready. @throws Error when it ends before. */
export async function firstMessage(child: ChildProcess): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onExit = (code: number | null): void =>
    reject(new Error(`the child ended (${code}) before it was ready`));
  child.once('message', resolve).once('exit', onExit);
  try {
    return await promise;
  } finally {
    child.off('exit', onExit);
  }
}

/** Notes what a connection tells. */
export class Witness implements ConnectionListener {
  readonly states: ConnectionState[] = [];
  readonly lists: (readonly HapAccessory[])[] = [];
  readonly values: ToldValue[] = [];
  #waiting: { readonly test: () => boolean; readonly resolve: () => void }[] = [];

  onState(state: ConnectionState): void {
    this.states.push(state);
    this.#look();
  }

  onAccessories(accessories: readonly HapAccessory[]): void {
    this.lists.push(accessories);
    this.#look();
  }

  onValues(values: readonly ToldValue[]): void {
    this.values.push(...values);
    this.#look();
  }

  /** Resolves as soon as it holds. */
  async until(what: string, test: () => boolean): Promise<void> {
    if (test()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`never: ${what}`)), 10_000);
    this.#waiting.push({ test, resolve });
    await promise;
    clearTimeout(timer);
  }

  async connected(times = 1): Promise<void> {
    await this.until('connected', () => this.states.filter((one) => one === 'connected').length >= times);
  }

  async told(id: string, value: unknown, times = 1): Promise<void> {
    await this.until(
      `${id} = ${JSON.stringify(value)}`,
      () => this.values.filter((one) => one.id === id && one.value === value).length >= times,
    );
  }

  #look(): void {
    const done = this.#waiting.filter(({ test }) => test());
    this.#waiting = this.#waiting.filter((one) => !done.includes(one));
    for (const { resolve } of done) resolve();
  }
}

export function characteristic(
  source: AccessoryConnection | readonly HapAccessory[],
  service: string,
  name: string,
): HapCharacteristic {
  const list = 'accessories' in source ? source.accessories() : source;
  const found = list
    .flatMap(({ services }) => services)
    .filter(({ type }) => serviceName(type) === service)
    .flatMap(({ characteristics }) => characteristics)
    .find(({ type }) => characteristicName(type) === name);
  if (!found) throw new Error(`no ${service}.${name}`);
  return found;
}

/** Which fault a call ends with. */
export async function faultOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    if (error instanceof AccessoryError) return error.fault;
    throw error;
  }
}
