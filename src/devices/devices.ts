import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Graph } from '../graph/graph.ts';
import type { Described } from './describing.ts';
import type { CapabilityRecord, DeviceRecord } from './inventory.ts';
import type {
  CommandOptions,
  CommandSink,
  CommandStatus,
  ComponentDescription,
  ComponentView,
  DeviceControl,
  DeviceRegistry,
  DeviceView,
  StateChange,
  StateFollower,
  StateReport,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { jsonEqual } from '../base/json.ts';
import { Commands } from './commands.ts';
import { StateFollowers } from './followers.ts';
import { Inventory, isAvailable, isImported } from './inventory.ts';
import { Registration } from './registration.ts';
import { EVENT_KINDS } from './types.ts';
import { toReportedValue, toSinkWrite } from './values.ts';
import { StateWriter } from './state-writer.ts';
import { StructureWakes } from './structure-wakes.ts';
import { DeviceViews } from './views.ts';

export { commandKinds, toldWrites } from './kinds.ts';
export { WITHDRAWAL_GRACE_MS } from './registration.ts';

export interface DevicesOptions {
  store: Store;
  graph: Graph;
  clock: Clock;
  log: Logger;
}

/** The capability name under which followers learn whether a device can be reached. */
export const AVAILABLE = 'available';

/** Of the text that a value was made of. */
const MAX_RAW_CHARS = 1024;

/** How often withdrawn devices are looked at. */
const EXPIRY_CHECK_MS = 15 * 60 * 1000;

/**
 * What devices there are, what they can do, how they are now, and the way to command them. Doors that find devices
 * talk to it as DeviceRegistry, doors that show them as DeviceControl.
 */
export class Devices implements DeviceRegistry, DeviceControl, AsyncDisposable {
  readonly #graph: Graph;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #inventory: Inventory;
  readonly #registration: Registration;
  readonly #states: StateWriter;
  readonly #followers: StateFollowers;
  readonly #commands = new Commands();
  readonly #structure = new StructureWakes();
  readonly #views: DeviceViews;
  #graphFollower: Disposable | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #seenSeq: number;

  private constructor(options: DevicesOptions) {
    this.#graph = options.graph;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#inventory = Inventory.load(options.store.db);
    this.#registration = new Registration({ ...options, inventory: this.#inventory });
    this.#views = new DeviceViews(options.graph);
    this.#states = new StateWriter(options.store, options.log);
    this.#followers = new StateFollowers(options.log);
    this.#seenSeq = options.graph.headSeq;
  }

  /** Loads what is known, with the last values, so that everything can be shown before any device has spoken. */
  static start(options: DevicesOptions): Devices {
    const devices = new Devices(options);
    devices.#graphFollower = options.graph.follow(() => devices.#onGraphChange());
    devices.#expiryTimer = setInterval(() => devices.expireWithdrawn(), EXPIRY_CHECK_MS);
    devices.expireWithdrawn();
    return devices;
  }

  /** Sets where commands go. */
  connect(sink: CommandSink): void {
    this.#commands.connect(sink);
  }

  describe(component: ComponentDescription, replaces: readonly string[] = []): void {
    this.#describe([{ description: component, replaces }]);
  }

  describeAll(components: readonly ComponentDescription[]): void {
    this.#describe(components.map((description) => ({ description, replaces: [] })));
  }

  withdraw(componentId: string): void {
    const device = this.#inventory.byComponentId.get(componentId)?.device;
    if (!device) return;
    const wasAvailable = isAvailable(device);
    this.#registration.withdraw(componentId);
    this.#tellAvailable(device, wasAvailable);
  }

  retire(componentIds: readonly string[]): void {
    this.#registration.retire(componentIds);
  }

  /** A person gave these up: what they had goes at once, and with it a device that is left with nothing. */
  remove(componentIds: readonly string[]): void {
    this.#registration.remove(componentIds);
  }

  sourcesOf(identifiers: readonly string[]): ReadonlyMap<string, string> {
    return this.#registration.sourcesOf(identifiers);
  }

  /** Removes what was withdrawn more than 24 hours ago. A disk that refuses is logged; the next look tries again. */
  expireWithdrawn(): void {
    try {
      this.#registration.expireWithdrawn();
    } catch (error) {
      this.#log.error({ err: error }, 'withdrawn devices could not be removed; it is tried again');
    }
  }

  setAvailable(componentId: string, available: boolean): void {
    const component = this.#inventory.byComponentId.get(componentId);
    if (!component || component.available === available) return;
    const wasAvailable = isAvailable(component.device);
    component.available = available;
    this.#states.noteAvailable(component);
    this.#tellAvailable(component.device, wasAvailable);
  }

  together(work: () => void): void {
    this.#followers.together(work);
  }

  report(reports: readonly StateReport[]): void {
    const nowMs = this.#clock.nowMs();
    for (const report of reports) {
      const component = this.#inventory.byComponentId.get(report.componentId);
      const record = component?.byKind.get(report.kind);
      if (record) this.#takeReport(record, report, nowMs);
    }
  }

  list(): DeviceView[] {
    const views: DeviceView[] = [];
    for (const device of this.#inventory.byEntityId.values()) {
      const view = this.#views.of(device);
      if (view) views.push(view);
    }
    return views.toSorted((a, b) => a.name.localeCompare(b.name) || (a.entityId < b.entityId ? -1 : 1));
  }

  view(entityId: string): DeviceView | undefined {
    const device = this.#inventory.byEntityId.get(entityId);
    return device && this.#views.of(device);
  }

  /** Everything that discovery told, what is not supported included. */
  components(): ComponentView[] {
    return [...this.#inventory.byComponentId.values()].map(
      ({ description, device, firstId, withdrawnAtMs }) => ({
        id: description.id,
        firstId,
        type: description.type,
        entityId: device.row.entityId,
        unsupported: description.unsupported,
        withdrawnAtMs,
      }),
    );
  }

  async command(options: CommandOptions): Promise<CommandStatus> {
    const device = this.#inventory.byEntityId.get(options.entityId);
    const view = device && this.#views.of(device);
    if (!view)
      throw new HubError('not_found', `there is no device ${options.entityId}`, { field: 'entity_id' });
    const planned = options.writes.map(({ capability: name, value }) => {
      const capability = view.capabilities.find((candidate) => candidate.name === name);
      const record = device.byName.get(name);
      if (!capability || !record) {
        throw new HubError(
          'not_found',
          `${view.name} has no capability "${name}"; it has ${capabilityNames(view)}`,
          {
            field: 'capability',
          },
        );
      }
      return { record, write: toSinkWrite(capability, value) };
    });
    if (!view.available) throw this.#commands.unavailable(view.name, device);
    return await this.#commands.send(device, planned, options, this.#clock.nowMs());
  }

  /** See `Commands.follow`. */
  followCommands(told: Parameters<Commands['follow']>[0]): Disposable {
    return this.#commands.follow(told);
  }

  follow(wake: () => void): StateFollower {
    return this.#followers.follow(wake);
  }

  followDevices(wake: () => void): Disposable {
    return this.#structure.follow(wake);
  }

  /** Writes the values that wait in memory, now. */
  flush(): void {
    this.#states.flush();
  }

  // oxlint-disable-next-line require-await -- every part of the hub is disposed in the same, asynchronous way
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#expiryTimer);
    this.#graphFollower?.[Symbol.dispose]();
    this.#followers.clear();
    this.#structure[Symbol.dispose]();
    this.#commands.cancelAll();
    this.#states.close();
  }

  #describe(items: readonly Described[]): void {
    const before = new Map<DeviceRecord, boolean>();
    for (const { description } of items) {
      const device = this.#inventory.byComponentId.get(description.id)?.device;
      if (device) before.set(device, isAvailable(device));
    }
    for (const device of this.#registration.describe(items)) {
      const wasAvailable = before.get(device);
      if (wasAvailable !== undefined) this.#tellAvailable(device, wasAvailable);
    }
  }

  #takeReport(record: CapabilityRecord, report: StateReport, nowMs: number): void {
    if (report.insteadOf !== undefined && !jsonEqual(record.value, report.insteadOf)) return;
    const value = toReportedValue(report.kind, report.value);
    // What the broker kept was said before the command.
    if (report.isKept !== true) this.#commands.noteReport(record, value);
    record.raw = report.raw === undefined ? undefined : toKeptRaw(report.raw);
    const wasSaid = record.reportedMs !== null || value === null;
    if (report.isKept === true && wasSaid && jsonEqual(record.value, value)) return;
    record.reportedMs = nowMs;
    const isEvent = value !== null && EVENT_KINDS.has(record.kind);
    if (!isEvent && jsonEqual(record.value, value)) {
      this.#states.noteRepeated(record);
      return;
    }
    record.value = value;
    const change: StateChange = {
      entityId: record.component.device.row.entityId,
      capability: record.name,
      value,
      timestampMs: nowMs,
      origin: report.origin,
      ...(isEvent ? { isEvent } : {}),
      ...(report.isKept === true ? { isKept: true } : {}),
    };
    this.#followers.tell(change);
    this.#states.noteValue(record);
  }

  #tellAvailable(device: DeviceRecord, before: boolean): void {
    const available = isAvailable(device);
    if (available === before) return;
    const { entityId } = device.row;
    this.#log.info({ entity: entityId, available }, available ? 'a device came back' : 'a device went away');
    this.#followers.tell({
      entityId,
      capability: AVAILABLE,
      value: available,
      timestampMs: this.#clock.nowMs(),
      origin: isImported(device) ? 'accessory' : 'mqtt',
    });
  }

  #onGraphChange(): void {
    let concerned = false;
    let more = true;
    while (more) {
      const changes = this.#graph.changesSince(this.#seenSeq, {
        limit: 500,
        maxBytes: 4 << 20,
        edges: false,
      });
      this.#seenSeq = changes.scannedSeq;
      more = changes.hasMore;
      concerned ||= changes.entities.some(({ id }) => this.#inventory.byEntityId.has(id));
    }
    if (concerned) this.#structure.note();
  }
}

/** As much as a person reads, copied: a slice alone would keep the whole message of up to 256 KiB alive. */
function toKeptRaw(raw: string): string {
  return raw.length <= MAX_RAW_CHARS ? raw : Buffer.from(raw.slice(0, MAX_RAW_CHARS)).toString();
}

function capabilityNames(view: DeviceView): string {
  return view.capabilities.map(({ name }) => name).join(', ') || 'none';
}
