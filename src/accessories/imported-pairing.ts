import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { CapabilityKind, SinkWrite, StateReport } from '../devices/types.ts';
import type { ServiceEntities } from './service-entities.ts';
import type {
  AccessoryConnection,
  AccessoryOrigin,
  AccessoryPairing,
  CharacteristicId,
  CharacteristicAnswer,
  ConnectionListener,
  ConnectionState,
  FoundAccessory,
  HapAccessory,
  HapController,
  HapValue,
  ImportRegistry,
  ToldValue,
} from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { WITHDRAWAL_GRACE_MS } from '../devices/devices.ts';
import { EVENT_KINDS } from '../devices/types.ts';
import { accessoryComponentId, aidOf, componentIdOf } from './component-ids.ts';
import { toComponents } from './describe.ts';
import { faultEnding, statusText, type AccessoryError } from './errors.ts';
import { characteristicName, serviceName } from './hap-types.ts';
import {
  affectedBy,
  describeAccessories,
  loopsIn,
  readCapability,
  toWrites,
  type ImportedAccessory,
  type ImportedService,
} from './mapping.ts';
import { withValues } from './known-values.ts';
import { Unreached } from './unreached.ts';

export interface ImportedPairingOptions {
  readonly controller: HapController;
  readonly devices: ImportRegistry;
  readonly entities: ServiceEntities;
  readonly ownSerialNumbers: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly offlineAfterMs: number;
  /** Told when it has proven to be at another address. */
  readonly onMoved: (address: string, port: number) => void;
  /** Told each time that it is not reached where it was. */
  readonly onLost: () => void;
}

/** One pairing with its connection, and what was made of it: describes to the devices what the accessory tells. */
export class ImportedPairing implements ConnectionListener, AsyncDisposable {
  readonly pairing: AccessoryPairing;
  readonly #options: ImportedPairingOptions;
  readonly #connection: AccessoryConnection;
  readonly #services = new Map<string, ImportedService>();
  readonly #byCharacteristic = new Map<CharacteristicId, string[]>();
  /** Of the accessories themselves: their names, firmware … */
  readonly #about = new Set<CharacteristicId>();
  readonly #values = new Map<CharacteristicId, HapValue>();
  readonly #unreached = new Unreached();
  readonly #firstList = Promise.withResolvers<void>();
  #components: ReadonlySet<string>;
  #list: readonly HapAccessory[] = [];
  #loops = 0;
  #where: { readonly address: string; readonly port: number };
  #isUp = true;
  #sinceMs: number;
  #offlineTimer: NodeJS.Timeout | undefined;

  /** Begins to connect. What is known from before is as it was, until it is clear that it cannot be reached. */
  constructor(pairing: AccessoryPairing, options: ImportedPairingOptions) {
    this.pairing = pairing;
    this.#options = options;
    this.#where = pairing;
    this.#sinceMs = options.clock.nowMs();
    this.#components = new Set(knownComponents(options.devices, pairing.id));
    // From here on it may speak.
    this.#connection = options.controller.connect(pairing, this);
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get reason(): AccessoryError | null {
    return this.#connection.reason;
  }

  get where(): { readonly address: string; readonly port: number } {
    return this.#where;
  }

  /** How many of its accessories show the hub's own devices, and are left out. */
  get loops(): number {
    return this.#loops;
  }

  /** The entities of its accessories. */
  entityIds(): string[] {
    const { devices } = this.#options;
    const ids = devices
      .components()
      .filter(({ id, withdrawnAtMs }) => withdrawnAtMs === null && this.#components.has(id))
      .map(({ entityId }) => entityId);
    return [...new Set(ids)].filter((id) => devices.view(id) !== undefined);
  }

  /** Resolves when its services are in the graph, or the time is over. */
  async described(withinMs: number): Promise<void> {
    const timer = setTimeout(this.#firstList.resolve, withinMs);
    await this.#firstList.promise;
    clearTimeout(timer);
  }

  seen(found: FoundAccessory): void {
    this.#connection.seen(found);
  }

  onState(state: ConnectionState, reason: AccessoryError | null): void {
    if (state === 'connected') {
      this.#noteWhere();
      this.#setUp(true);
      return;
    }
    if (state !== 'waiting') return;
    this.#options.onLost();
    if (this.#isUp) {
      // Only a person can change these, so there is nothing to wait for.
      const isHopeless = reason?.fault === 'not_paired' || reason?.fault === 'impostor';
      if (isHopeless) this.#setUp(false);
      else this.#offlineTimer ??= setTimeout(() => this.#setUp(false), this.#options.offlineAfterMs);
    }
  }

  onAccessories(list: readonly HapAccessory[]): void {
    this.#list = list;
    this.#describe(list);
    this.#firstList.resolve();
  }

  onValues(told: readonly ToldValue[]): void {
    const reports: StateReport[] = [];
    let isAbout = false;
    for (const { id, value, isEvent } of told) {
      isAbout ||= this.#about.has(id) && this.#values.get(id) !== value;
      this.#values.set(id, value);
      for (const componentId of this.#byCharacteristic.get(id) ?? []) {
        const service = this.#services.get(componentId);
        for (const kind of service ? affectedBy(service, id) : []) {
          if (service && (isEvent || !EVENT_KINDS.has(kind)))
            reports.push(this.#report(componentId, service, kind));
        }
      }
    }
    this.#options.devices.report(reports);
    this.#tellReached(this.#unreached.heard(told.flatMap(({ id, isEvent }) => (isEvent ? [id] : []))));
    // Firmware is updated without a change of structure.
    if (isAbout) this.#describe(withValues(this.#list, this.#values));
  }

  onPolled(answers: readonly CharacteristicAnswer[]): void {
    this.#tellReached(this.#unreached.polled(this.#services.values(), answers));
  }

  /** See CommandSink. @throws HubError `unavailable` in the words of the accessory, `invalid`. */
  async send(componentId: string, writes: readonly SinkWrite[]): Promise<void> {
    const service = this.#services.get(componentId);
    if (!service) {
      throw new HubError(
        'unavailable',
        `The accessory was not reached since the hub started: ${this.whyDown()}.`,
      );
    }
    const answers = await this.#connection.write(toWrites(service, writes, this.#values));
    const failed = answers.filter(({ status }) => status !== 0);
    if (failed.length === 0) return;
    const names = new Map(
      service.characteristics.map(({ id, type }) => [id, characteristicName(type) ?? type]),
    );
    const sentences = failed.map(({ id, status }) => `${names.get(id) ?? id}: ${statusText(status)}`);
    throw new HubError('unavailable', `The accessory did not do it (${sentences.join('; ')}).`);
  }

  /** Why it, or one of its components, cannot be reached: the end of a sentence. */
  whyDown(componentId?: string): string {
    const { reason } = this.#connection;
    if (this.#isUp && componentId !== undefined && this.#unreached.has(aidOf(componentId))) {
      return `${this.pairing.name} does not reach it; check its power and battery`;
    }
    return reason ? faultEnding(reason) : 'it is being connected';
  }

  /** Looks whether what was gone for a day still is. */
  tidy(): void {
    if (this.#list.length > 0) this.#describe(withValues(this.#list, this.#values));
  }

  explain(componentId: string): AccessoryOrigin | undefined {
    if (!this.#components.has(componentId)) return undefined;
    const service = this.#services.get(componentId);
    const { id } = this.pairing;
    const characteristics = service?.characteristics ?? [];
    return {
      source: 'homekit',
      announcedOn: componentId.replace('/', ':'),
      values: (service?.capabilities ?? []).flatMap((capability) =>
        characteristics
          .filter((one) => capability.characteristics.includes(one.id))
          .map((one) => ({
            kind: capability.kind,
            topic: `${one.id} ${characteristicName(one.type) ?? one.type}`,
            template: null,
          })),
      ),
      availability: [
        { topic: `the connection to ${id}`, available: this.#isReached(componentId), sinceMs: this.#sinceMs },
      ],
      lastHeard: null,
      lastFailure: null,
    };
  }

  /** Has each of its accessories blink or sound. @throws AccessoryError */
  async identify(): Promise<void> {
    const ids = this.#list
      .flatMap(({ services }) => services)
      .flatMap(({ characteristics }) => characteristics)
      .filter(({ type }) => characteristicName(type) === 'Identify')
      .map(({ id }) => id);
    await this.#connection.write(ids.slice(0, 1).map((id) => ({ id, value: true })));
  }

  /** Gives the accessory free. @throws AccessoryError when it may still be claimed; it is held on then. */
  async unpair(): Promise<void> {
    await this.#connection.unpair();
    this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#connection[Symbol.asyncDispose]();
  }

  #stop(): void {
    clearTimeout(this.#offlineTimer);
    this.#firstList.resolve();
  }

  #describe(list: readonly HapAccessory[]): void {
    const all = describeAccessories(list);
    const loops = new Set(loopsIn(all, this.#options.ownSerialNumbers()));
    this.#loops = loops.size;
    const accessories = all.filter((one) => !loops.has(one));
    this.#index(list, accessories);
    const { devices, entities, log } = this.#options;
    const before = this.#components;
    const components = accessories.flatMap((one) => toComponents(this.pairing, one));
    this.#components = new Set(components.map(({ id }) => id));
    for (const component of components) {
      try {
        devices.describe(component);
        devices.setAvailable(component.id, this.#isReached(component.id));
      } catch (error) {
        log.warn({ component: component.id, reason: errorText(error) }, 'a HomeKit service was left out');
      }
    }
    for (const id of before) if (!this.#components.has(id)) devices.withdraw(id);
    const known = new Map(devices.components().map((one) => [one.id, one]));
    const placed = accessories.flatMap((accessory) => {
      const entityId = known.get(accessoryComponentId(this.pairing.id, accessory.aid))?.entityId;
      return entityId !== undefined && devices.view(entityId) ? [{ entityId, accessory }] : [];
    });
    // The devices keep what was withdrawn for a day, so that firmware may come back.
    const sinceMs = this.#options.clock.nowMs() - WITHDRAWAL_GRACE_MS;
    entities.sync(this.pairing.id, placed, (id) => (known.get(id)?.withdrawnAtMs ?? 0) > sinceMs);
  }

  #index(list: readonly HapAccessory[], accessories: readonly ImportedAccessory[]): void {
    this.#services.clear();
    this.#byCharacteristic.clear();
    this.#about.clear();
    for (const service of accessories.flatMap(({ services }) => services)) {
      const componentId = componentIdOf(this.pairing.id, service);
      this.#services.set(componentId, service);
      for (const { id } of service.characteristics) this.#byCharacteristic.set(id, [componentId]);
    }
    for (const service of list.flatMap(({ services }) => services)) {
      if (serviceName(service.type) !== 'AccessoryInformation') continue;
      for (const { id, value } of service.characteristics) {
        // What came with the list is no news.
        if (value !== undefined && !this.#values.has(id)) this.#values.set(id, value);
        this.#about.add(id);
      }
    }
  }

  #report(componentId: string, service: ImportedService, kind: CapabilityKind): StateReport {
    const sources = service.capabilities.find((one) => one.kind === kind)?.characteristics ?? [];
    const raw = sources.map((id) => JSON.stringify(this.#values.get(id) ?? null)).join(' ');
    return {
      componentId,
      kind,
      value: readCapability(service, kind, this.#values),
      raw,
      origin: 'accessory',
    };
  }

  #setUp(isUp: boolean): void {
    clearTimeout(this.#offlineTimer);
    this.#offlineTimer = undefined;
    if (this.#isUp !== isUp) this.#sinceMs = this.#options.clock.nowMs();
    this.#isUp = isUp;
    for (const id of this.#components) this.#options.devices.setAvailable(id, this.#isReached(id));
  }

  #isReached(componentId: string): boolean {
    return this.#isUp && !this.#unreached.has(aidOf(componentId));
  }

  #tellReached(aids: readonly string[]): void {
    if (aids.length === 0) return;
    for (const id of this.#components) {
      if (aids.includes(aidOf(id))) this.#options.devices.setAvailable(id, this.#isReached(id));
    }
  }

  #noteWhere(): void {
    const { address, port } = this.#connection.where;
    if (address === this.#where.address && port === this.#where.port) return;
    this.#where = { address, port };
    this.#options.onMoved(address, port);
  }
}

/** What was made of a pairing before this start. */
export function knownComponents(devices: ImportRegistry, pairingId: string): string[] {
  const prefix = accessoryComponentId(pairingId, '').slice(0, -'.0'.length);
  return devices
    .components()
    .flatMap(({ id, withdrawnAtMs }) => (withdrawnAtMs === null && id.startsWith(prefix) ? [id] : []));
}
