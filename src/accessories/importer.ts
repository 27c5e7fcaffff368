import type { CommandSink, SinkWrite } from '../devices/types.ts';
import type {
  AccessoriesOptions,
  AccessoriesPart,
  AccessoryOrigin,
  AccessoryPairing,
  AccessoryView,
  FoundAccessory,
  HapController,
} from './types.ts';
import type { HapDiscovery } from './discovery.ts';
import type { ImportedPairing } from './imported-pairing.ts';

import { errorText, HubError } from '../base/errors.ts';
import { pairingOf } from './component-ids.ts';
import { categoryName, pairingNotice } from './notices.ts';
import { PairingStore } from './pairing-store.ts';
import { ServiceEntities } from './service-entities.ts';

/** How long a pairing waits for the services, so that whoever paired is told of the entities. */
const DESCRIBED_WITHIN_MS = 10_000;
const TIDY_EVERY_MS = 3_600_000;
const OFFLINE_AFTER_MS = 5000;
const LOOK_EVERY_MS = 10_000;

/** Holds a connection to each accessory that the hub is paired with, and pairs with further ones. */
export class Importer implements Omit<AccessoriesPart, 'sink' | typeof Symbol.asyncDispose>, CommandSink {
  readonly #options: AccessoriesOptions;
  readonly #store: PairingStore;
  readonly #entities: ServiceEntities;
  readonly #held = new Map<string, ImportedPairing>();
  /** Those that are being paired or removed. */
  readonly #busy = new Set<string>();
  readonly #tidy: NodeJS.Timeout;
  #discovery: HapDiscovery | undefined;
  #controller: HapController | undefined;
  #lookedAtMs = -Infinity;
  #isStopped = false;

  constructor(options: AccessoriesOptions) {
    this.#options = options;
    this.#store = new PairingStore(options.store, options.clock);
    this.#entities = new ServiceEntities(options.store, options.graph);
    this.#tidy = setInterval(() => this.#tidyAll(), TIDY_EVERY_MS);
  }

  /** Begins to connect to what is paired. */
  async start(): Promise<void> {
    for (const pairing of this.#store.list()) await this.#hold(pairing);
    // A power cut between the end of a pairing and that of its entities.
    const { devices } = this.#options;
    const made = devices
      .components()
      .flatMap(({ id, withdrawnAtMs }) => (withdrawnAtMs === null ? (pairingOf(id) ?? []) : []));
    for (const id of new Set(made)) if (!this.#held.has(id)) this.#removeEntities(id);
  }

  /** Accessories may be found from now on. */
  lookAt(discovery: HapDiscovery): void {
    this.#discovery = discovery;
    for (const found of discovery.list()) this.onFound(found);
  }

  onFound(found: FoundAccessory): void {
    this.#held.get(found.id)?.seen(found);
  }

  list(): AccessoryView[] {
    const found = new Map((this.#discovery?.list() ?? []).map((one) => [one.id, one]));
    const others = [...found.values()].filter(({ id }) => !this.#held.has(id)).map(foundView);
    const ours = [...this.#held.values()].map((held) => heldView(held, found.get(held.pairing.id)));
    return [...ours, ...others].toSorted(
      (one, other) => one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1),
    );
  }

  async pair(givenId: string, code: string): Promise<AccessoryView> {
    const id = givenId.toUpperCase();
    if (this.#options.isOwn(id)) {
      throw new HubError(
        'conflict',
        'This is the bridge by which this hub shows its own devices in Apple Home. Imported, everything would be there twice.',
      );
    }
    if (this.#held.has(id)) throw new HubError('conflict', 'This hub is paired with the accessory already.');
    const found = this.#find(id);
    const notice = pairingNotice(found.isPairable);
    if (notice !== null) throw new HubError('conflict', notice, { code: 'ACCESSORY_ALREADY_PAIRED' });
    return await this.#alone(id, async () => {
      const controller = await this.#openController();
      const pairing = await controller.pair(found, code);
      const held = await this.#keep(pairing);
      this.#options.log.info({ accessory: id, name: pairing.name }, 'a HomeKit accessory was paired');
      await held.described(DESCRIBED_WITHIN_MS);
      return heldView(held, found);
    });
  }

  async identify(givenId: string): Promise<void> {
    const id = givenId.toUpperCase();
    const held = this.#held.get(id);
    if (held) await held.identify();
    else await (await this.#openController()).identify(this.#find(id));
  }

  async remove(givenId: string, { force }: { readonly force: boolean }): Promise<{ mustReset: boolean }> {
    const id = givenId.toUpperCase();
    const held = this.#held.get(id);
    if (!held) throw new HubError('not_found', `This hub is paired with no accessory ${id.slice(0, 40)}.`);
    return await this.#alone(id, async () => {
      const mustReset = !(await this.#unpair(held, force));
      this.#held.delete(id);
      await held[Symbol.asyncDispose]();
      await this.#store.forget(id);
      this.#removeEntities(id);
      this.#options.log.info({ accessory: id, mustReset }, 'a HomeKit accessory was removed');
      return { mustReset };
    });
  }

  /** See CommandSink.send. */
  async send(componentId: string, writes: readonly SinkWrite[]): Promise<void> {
    const held = this.#heldOf(componentId);
    if (!held) throw new HubError('unavailable', 'The hub is not paired with this accessory any more.');
    await held.send(componentId, writes);
  }

  whyUnavailable(componentId: string): string | null {
    return this.#heldOf(componentId)?.whyDown(componentId) ?? null;
  }

  explain(componentId: string): AccessoryOrigin | undefined {
    return this.#heldOf(componentId)?.explain(componentId);
  }

  /** Ends the connections; the pairings stay. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#tidy);
    await Promise.all([...this.#held.values()].map(async (held) => await held[Symbol.asyncDispose]()));
  }

  #heldOf(componentId: string): ImportedPairing | undefined {
    const id = pairingOf(componentId);
    return id === undefined ? undefined : this.#held.get(id);
  }

  #find(id: string): FoundAccessory {
    const found = this.#discovery?.find(id);
    if (found) return found;
    throw new HubError(
      'not_found',
      this.#discovery
        ? `There is no HomeKit accessory ${id.slice(0, 40)} in the network at the moment. Check that it has power and is in the same network.`
        : 'HomeKit accessories are found by mDNS, which is switched off: mdns.enabled.',
    );
  }

  /** An accessory whose keys are lost belongs to nobody who could give it free. */
  async #keep(pairing: AccessoryPairing): Promise<ImportedPairing> {
    try {
      await this.#store.keep(pairing);
    } catch (error) {
      const { log } = this.#options;
      const held = await this.#open(pairing);
      await held.unpair().catch((second: unknown) => {
        log.error(
          { err: second, accessory: pairing.id },
          'an accessory could not be given free; it has to be reset',
        );
      });
      await held[Symbol.asyncDispose]();
      throw error;
    }
    return await this.#hold(pairing);
  }

  async #hold(pairing: AccessoryPairing): Promise<ImportedPairing> {
    const held = await this.#open(pairing);
    this.#held.set(pairing.id, held);
    const found = this.#discovery?.find(pairing.id);
    if (found) held.seen(found);
    if (this.#isStopped) await held[Symbol.asyncDispose]();
    return held;
  }

  async #open(pairing: AccessoryPairing): Promise<ImportedPairing> {
    const controller = await this.#openController();
    const { ImportedPairing } = await import('./imported-pairing.ts');
    const { devices, ownSerialNumbers, clock, log, timing } = this.#options;
    return new ImportedPairing(pairing, {
      controller,
      devices,
      entities: this.#entities,
      ownSerialNumbers,
      clock,
      log,
      offlineAfterMs: timing?.offlineAfterMs ?? OFFLINE_AFTER_MS,
      onMoved: (address, port) => this.#store.moved(pairing.id, address, port),
      onLost: () => this.#look(),
    });
  }

  /** Asks the network where it is: one that got another address need not say so by itself. */
  #look(): void {
    const { clock, timing } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < (timing?.lookEveryMs ?? LOOK_EVERY_MS)) return;
    this.#lookedAtMs = nowMs;
    this.#discovery?.refresh();
  }

  /** True when it was told that it is free. @throws HubError `unavailable` when it was not, and that is not enough. */
  async #unpair(held: ImportedPairing, force: boolean): Promise<boolean> {
    try {
      await held.unpair();
      return true;
    } catch (error) {
      if (force) return false;
      throw new HubError(
        'unavailable',
        `${held.pairing.name} could not be told that it is free: ${held.whyDown()}. Bring it back and try again. ` +
          'Or have it forgotten with force; then it goes on believing that it belongs to this hub, and must be reset before anybody can pair with it.',
        { cause: error },
      );
    }
  }

  #removeEntities(id: string): void {
    const { devices } = this.#options;
    this.#entities.remove(id);
    devices.remove(devices.components().flatMap((one) => (pairingOf(one.id) === id ? [one.id] : [])));
  }

  async #alone<T>(id: string, body: () => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) {
      throw new HubError('conflict', 'The accessory is being paired or removed at this moment.');
    }
    this.#busy.add(id);
    try {
      return await body();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** What speaks HAP is loaded only where there is something to speak with. */
  async #openController(): Promise<HapController> {
    const { createHapController } = await import('./controller.ts');
    const { clock, log, timing } = this.#options;
    this.#controller ??= createHapController({ clock, log, ...timing });
    return this.#controller;
  }

  #tidyAll(): void {
    for (const held of this.#held.values()) {
      try {
        held.tidy();
      } catch (error) {
        this.#options.log.warn({ reason: errorText(error) }, 'services that are gone could not be removed');
      }
    }
  }
}

function foundView(found: FoundAccessory): AccessoryView {
  const { id, name, model, category, address, port, isPairable } = found;
  return {
    id,
    name,
    model,
    category: categoryName(category),
    address: `${address}:${port}`,
    pairedWithUs: false,
    canPair: isPairable,
    notice: pairingNotice(isPairable),
    state: null,
    reason: null,
    entityIds: [],
  };
}

function heldView(held: ImportedPairing, found: FoundAccessory | undefined): AccessoryView {
  const { pairing, where, state, reason, loops } = held;
  return {
    id: pairing.id,
    name: found?.name ?? pairing.name,
    model: found?.model ?? null,
    category: categoryName(found?.category ?? null),
    address: `${where.address}:${where.port}`,
    pairedWithUs: true,
    canPair: false,
    notice:
      loops === 0
        ? null
        : `${loops} of its accessories show devices of this hub; they are left out, for they would be there twice.`,
    state,
    reason: reason?.message ?? null,
    entityIds: held.entityIds(),
  };
}
