import { HubError } from '../../src/base/errors.ts';
import type {
  Capability,
  CapabilityKind,
  CapabilityState,
  CapabilityValue,
  CommandOptions,
  CommandStatus,
  DeviceControl,
  DeviceView,
  StateChange,
  StateFollower,
} from '../../src/devices/types.ts';

export interface FakeDevice {
  name: string;
  capabilities: Capability[];
  manufacturer?: string | null;
  model?: string | null;
  swVersion?: string | null;
  serialNumber?: string | null;
  values?: Record<string, CapabilityValue>;
  available?: boolean;
}

/** A capability of a component; writable where HomeKit could write it. */
export function capability(
  kind: CapabilityKind,
  component: string,
  more: Partial<Capability> = {},
): Capability {
  return {
    name: kind,
    kind,
    unit: null,
    range: null,
    writable: ['on_off', 'brightness', 'color_hs', 'color_temperature'].includes(kind),
    component,
    component_type: component.split('/')[0] ?? '',
    device_class: null,
    category: null,
    label: null,
    enabled_by_default: true,
    ...more,
  };
}

/** The state that an order leads to. */
const OBEYED: Readonly<Record<string, string>> = {
  close: 'closed',
  lock: 'locked',
  unlock: 'unlocked',
  arm_home: 'armed_home',
  arm_away: 'armed_away',
  arm_night: 'armed_night',
  disarm: 'disarmed',
  start: 'cleaning',
  return_to_base: 'docked',
  start_mowing: 'mowing',
  dock: 'docked',
  stop: 'stopped',
};

function toObeyed(value: unknown): CapabilityValue {
  return typeof value === 'string' ? (OBEYED[value] ?? value) : (value as CapabilityValue);
}

/**
 * The rules' side of the bridge, in memory: devices that obey their commands (or do not), with the same promises as the
 * real one: followers are woken once until they take, and are told the last value of each capability.
 */
export class FakeDevices implements DeviceControl {
  readonly commands: CommandOptions[] = [];
  /** What a command does: the device follows, keeps quiet, or the transport fails. */
  behaviour: 'obey' | 'ignore' | 'fail' = 'obey';
  readonly #devices = new Map<string, DeviceView & { values: Map<string, CapabilityState> }>();
  readonly #followers = new Set<{ wake: () => void; pending: Map<string, StateChange> }>();
  readonly #deviceFollowers = new Set<() => void>();

  add(entityId: string, device: FakeDevice): void {
    const values = new Map(
      device.capabilities.map(({ name, unit }) => [
        name,
        { value: device.values?.[name] ?? null, unit, timestampMs: null } satisfies CapabilityState,
      ]),
    );
    this.#devices.set(entityId, {
      entityId,
      name: device.name,
      manufacturer: device.manufacturer ?? null,
      model: device.model ?? null,
      swVersion: device.swVersion ?? null,
      serialNumber: device.serialNumber ?? null,
      capabilities: device.capabilities,
      available: device.available ?? true,
      values,
    });
    this.#wakeDeviceFollowers();
  }

  change(entityId: string, change: Partial<Pick<DeviceView, 'name' | 'capabilities' | 'swVersion'>>): void {
    const device = this.#device(entityId);
    const values = new Map(device.values);
    for (const { name, unit } of change.capabilities ?? []) {
      if (!values.has(name)) values.set(name, { value: null, unit, timestampMs: null });
    }
    this.#devices.set(entityId, { ...device, ...change, values });
    this.#wakeDeviceFollowers();
  }

  remove(entityId: string): void {
    this.#devices.delete(entityId);
    this.#wakeDeviceFollowers();
  }

  setAvailable(entityId: string, available: boolean): void {
    this.#devices.set(entityId, { ...this.#device(entityId), available });
    this.#tell({ entityId, capability: 'available', value: available, timestampMs: 1, origin: 'mqtt' });
  }

  set(entityId: string, values: Record<string, CapabilityValue>, origin = 'mqtt'): void {
    const device = this.#device(entityId);
    for (const [capability, value] of Object.entries(values)) {
      device.values.set(capability, { value, unit: null, timestampMs: 1 });
      this.#tell({ entityId, capability, value, timestampMs: 1, origin });
    }
  }

  /** Something happens: told each time, also when it is the same. */
  press(entityId: string, capability: string, value: string): void {
    this.#device(entityId).values.set(capability, { value, unit: null, timestampMs: 1 });
    this.#tell({ entityId, capability, value, timestampMs: 1, origin: 'mqtt', isEvent: true });
  }

  list(): DeviceView[] {
    return [...this.#devices.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  view(entityId: string): DeviceView | undefined {
    return this.#devices.get(entityId);
  }

  async command(options: CommandOptions): Promise<CommandStatus> {
    await Promise.resolve();
    this.commands.push(options);
    if (!this.#device(options.entityId).available) throw new HubError('unavailable', 'the device is offline');
    if (this.behaviour === 'fail') throw new HubError('unavailable', 'the broker is not connected');
    if (this.behaviour === 'obey') {
      const values = options.writes.map(({ capability, value }) => [capability, toObeyed(value)]);
      setImmediate(() => this.set(options.entityId, Object.fromEntries(values), options.origin));
    }
    return 'sent';
  }

  follow(wake: () => void): StateFollower {
    const follower = { wake, pending: new Map<string, StateChange>() };
    this.#followers.add(follower);
    return {
      take: () => {
        const changes = [...follower.pending.values()];
        follower.pending.clear();
        return changes;
      },
      [Symbol.dispose]: () => {
        this.#followers.delete(follower);
      },
    };
  }

  followDevices(wake: () => void): Disposable {
    this.#deviceFollowers.add(wake);
    return {
      [Symbol.dispose]: () => {
        this.#deviceFollowers.delete(wake);
      },
    };
  }

  get followerCount(): number {
    return this.#followers.size + this.#deviceFollowers.size;
  }

  #device(entityId: string): DeviceView & { values: Map<string, CapabilityState> } {
    const device = this.#devices.get(entityId);
    if (!device) throw new HubError('not_found', `no device ${entityId}`);
    return device;
  }

  #tell(change: StateChange): void {
    for (const follower of this.#followers) {
      const isQuiet = follower.pending.size === 0;
      follower.pending.set(`${change.entityId} ${change.capability}`, change);
      if (isQuiet) follower.wake();
    }
  }

  #wakeDeviceFollowers(): void {
    for (const wake of this.#deviceFollowers) wake();
  }
}
