import type { Store } from '../../src/base/store.ts';
import type { ActivityOptions } from '../../src/activity/activity.ts';
import type {
  ActivitySource,
  DeviceEvent,
  SourceCapability,
  SourceChange,
  SourceCommand,
  SourceDevice,
  SourceFollower,
} from '../../src/activity/types.ts';

import { Activity } from '../../src/activity/activity.ts';
import { activityTables } from '../../src/activity/tables.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { openTestStore } from '../support/store.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const CAPABILITIES: readonly SourceCapability[] = [
  { name: 'on_off', kind: 'on_off', writable: true, category: null },
  { name: 'brightness', kind: 'brightness', writable: true, category: null },
  { name: 'open_close', kind: 'open_close', writable: true, category: null },
  { name: 'motion', kind: 'motion', writable: false, category: null },
  { name: 'button_event', kind: 'button_event', writable: false, category: null },
  { name: 'text', kind: 'text', writable: false, category: null },
  { name: 'on_off:led', kind: 'on_off', writable: true, category: 'config' },
];

/** The devices as the activity sees them; every device has the same capabilities. */
export class FakeDevices implements ActivitySource {
  readonly #clock: ManualClock;
  readonly #ids = new Map<string, Map<string, { value: unknown }>>();
  #waiting: SourceChange[] = [];
  #wake: (() => void) | undefined;
  #told: Parameters<ActivitySource['followCommands']>[0] | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  report(entityId: string, capability: string, value: unknown, more: Partial<SourceChange> = {}): void {
    const values = this.#ids.get(entityId) ?? new Map<string, { value: unknown }>();
    this.#ids.set(entityId, values.set(capability, { value }));
    const timestampMs = this.#clock.nowMs();
    this.#waiting.push({ entityId, capability, value, timestampMs, origin: 'mqtt', ...more });
    this.#wake?.();
  }

  command(
    entityId: string,
    capability: string,
    value: unknown,
    more: Partial<SourceCommand> = {},
    stages: readonly ('sending' | 'sent' | 'failed')[] = ['sending', 'sent'],
  ): void {
    const timestampMs = this.#clock.nowMs();
    const command = { entityId, capability, value, origin: 'http:1', by: null, timestampMs, ...more };
    for (const stage of stages) this.#told?.(command, stage);
  }

  list(): SourceDevice[] {
    return [...this.#ids].map(([entityId, values]) => ({ entityId, capabilities: CAPABILITIES, values }));
  }

  view(entityId: string): SourceDevice | undefined {
    return this.list().find((device) => device.entityId === entityId);
  }

  follow(wake: () => void): SourceFollower {
    this.#wake = wake;
    return { take: () => this.#waiting.splice(0), [Symbol.dispose]: () => (this.#wake = undefined) };
  }

  followCommands(told: Parameters<ActivitySource['followCommands']>[0]): Disposable {
    this.#told = told;
    return { [Symbol.dispose]: () => (this.#told = undefined) };
  }
}

export interface ActivityHome extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly devices: FakeDevices;
  readonly activity: Activity;
  /** Oldest first. */
  all(entityId?: string): DeviceEvent[];
  /** Capability, value and cause of each, oldest first. */
  told(entityId?: string): string[];
}

export interface HomeOptions extends Partial<Pick<ActivityOptions, 'keepDays' | 'maxBytes'>> {
  clock?: ManualClock;
  devices?: FakeDevices;
}

export async function openActivity(folder: string, options: HomeOptions = {}): Promise<ActivityHome> {
  const clock = options.clock ?? new ManualClock();
  const devices = options.devices ?? new FakeDevices(clock);
  const store = await openTestStore(folder, [activityTables], clock);
  const activity = Activity.start({ ...options, store, source: devices, clock, log: silentLogger });
  const all = (entityId = 'lamp'): DeviceEvent[] => {
    const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000, cursor: 0 };
    return activity.query({ ...range, toMs: clock.nowMs() + DAY, entityId }).items.toReversed();
  };
  return {
    folder,
    clock,
    store,
    devices,
    activity,
    all,
    told: (entityId) =>
      all(entityId).map(
        ({ capability, type, value, cause }) =>
          `${type} ${capability} ${JSON.stringify(value)} ${cause.kind}${cause.id === null ? '' : ` ${cause.id}`}`,
      ),
    async [Symbol.asyncDispose]() {
      await activity[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
