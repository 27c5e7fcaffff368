import type { FurtherIdentity } from './identity.ts';
import type { HapBridgeOptions } from './hap-bridge.ts';
import type { HomekitOptions } from './types.ts';

import { HapBridge } from './hap-bridge.ts';
import { keepIdentity, makeFurtherIdentity, readFurtherIdentities } from './identity.ts';
import { writeBridgePort } from './writer.ts';

const MAX_PORT = 65_535;

export type BridgesOptions = HapBridgeOptions & Pick<HomekitOptions, 'port' | 'pin' | 'store' | 'clock'>;

/**
 * The bridges of the hub: the first one, and one more for each 140 devices. A bridge that was made stays, with its
 * identity, for it may be paired.
 */
export class Bridges {
  readonly #options: BridgesOptions;
  readonly #bridges: HapBridge[];
  /** One after the other: while a bridge is published, parts of the library are replaced. */
  #publishing: Promise<void> = Promise.resolve();
  /** Made, and not yet published. */
  #unpublished: HapBridge[];
  #isStarted = false;
  #isClosed = false;

  /** @throws StartError when the setup code is unusable. */
  constructor(options: BridgesOptions) {
    this.#options = options;
    const { store, port, pin } = options;
    const first = { ...keepIdentity(store, pin), number: 1, isAlone: false };
    this.#bridges = [
      new HapBridge(first, [port], options),
      ...readFurtherIdentities(store).map((identity) => this.#create(identity)),
    ];
    this.#unpublished = [...this.#bridges];
  }

  get all(): readonly HapBridge[] {
    return this.#bridges;
  }

  get first(): HapBridge {
    return this.at(1);
  }

  /** The numbers of those that are for one device alone. */
  get reserved(): Set<number> {
    return new Set(this.#bridges.filter(({ isAlone }) => isAlone).map(({ number }) => number));
  }

  /** The bridge of that number; the ones up to it are made where they are missing, and published by `publishNew`. */
  at(number: number): HapBridge {
    while (this.#bridges.length < number) this.make(false);
    const found = this.#bridges[number - 1];
    if (!found) throw new Error(`there is no bridge ${number}`);
    return found;
  }

  /**
   * A further bridge, with an identity that is kept; `publishNew` publishes it.
   * @param isAlone for one device alone
   */
  make(isAlone: boolean): HapBridge {
    const { store, clock, log } = this.#options;
    const bridge = this.#create(makeFurtherIdentity(store, this.#bridges.length + 1, isAlone, clock.nowMs()));
    this.#bridges.push(bridge);
    this.#unpublished.push(bridge);
    log.warn(
      { bridge: bridge.name },
      'a further HomeKit bridge was made; add it in Apple Home with its own code (`funkygibbon homekit`)',
    );
    return bridge;
  }

  /**
   * Publishes all that there are.
   * @throws StartError when the only bridge cannot be published. One of several that cannot must not take the others down:
   * it is told in the log and in the list, and tried again at the next start.
   */
  async publishAll(): Promise<void> {
    this.#isStarted = true;
    const [only, ...others] = this.#unpublished;
    if (only && others.length === 0) {
      this.#unpublished = [];
      await this.#publish(only);
    }
    this.publishNew();
    await this.#publishing;
  }

  /** Publishes what was made since, once the start is through; to be called when the accessories are on it. */
  publishNew(): void {
    if (!this.#isStarted) return;
    for (const bridge of this.#unpublished.splice(0)) {
      this.#publishing = this.#publishing.then(async () => await this.#tryToPublish(bridge));
    }
  }

  async unpublish(): Promise<void> {
    this.#isClosed = true;
    await this.#publishing;
    await Promise.all(this.#bridges.map(async (bridge) => await bridge.unpublish()));
  }

  saveControllers(): void {
    for (const bridge of this.#bridges) bridge.saveControllers();
  }

  async #tryToPublish(bridge: HapBridge): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#publish(bridge);
    } catch (error) {
      this.#options.log.error(
        { err: error, bridge: bridge.name },
        'a HomeKit bridge does not run; its devices are missing in Apple Home until a start succeeds',
      );
    }
  }

  async #publish(bridge: HapBridge): Promise<void> {
    const { store } = this.#options;
    const port = await bridge.publish();
    if (bridge.number > 1) store.write((tx) => writeBridgePort(tx, bridge.username, port));
  }

  #create(identity: FurtherIdentity): HapBridge {
    return new HapBridge(identity, portsOf(identity, this.#options.port), this.#options);
  }
}

/**
 * Where a further bridge may listen. A new one takes the port after those before it, or any. Later it stays there, as a
 * firewall may know it; only where the configuration says "any" does it move out of the way.
 */
function portsOf({ number, keptPort }: FurtherIdentity, configured: number): number[] {
  if (keptPort !== null) return configured === 0 ? [keptPort, 0] : [keptPort];
  const wanted = configured + number - 1;
  return configured === 0 || wanted > MAX_PORT ? [0] : [wanted, 0];
}
