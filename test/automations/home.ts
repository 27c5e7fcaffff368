import type { Actor, Principal } from '../../src/access/types.ts';
import type { AutomationRights, Decision } from '../../src/automations/types.ts';
import type { CapabilityKind } from '../../src/devices/types.ts';
import type { Content } from '../../src/graph/types.ts';

import { Automations } from '../../src/automations/automations.ts';
import { automationTables } from '../../src/automations/tables.ts';
import { HubError } from '../../src/base/errors.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Sun } from '../../src/base/sun.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { openTestStore } from '../support/store.ts';

import type { ManualClock } from '../../src/base/clock.ts';

export const MAYA: Principal = {
  userId: 'maya',
  username: 'maya',
  role: 'member',
  tokenId: 't',
  expiresAtMs: Infinity,
};
export const MAYA_HERE: Actor = { principal: MAYA, address: '192.168.1.5' };
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The devices by name: a component each, of one capability. */
const DEVICES: Readonly<Record<string, CapabilityKind>> = {
  a: 'on_off',
  b: 'on_off',
  meter: 'power',
  remote: 'button_event',
  maya: 'location',
  tom: 'location',
  movie: 'scene',
};
const TYPES: Readonly<Partial<Record<CapabilityKind, string>>> = {
  on_off: 'light',
  power: 'sensor',
  button_event: 'event',
  location: 'device_tracker',
  scene: 'scene',
};

export interface Place {
  readonly zone?: string;
  readonly latitude?: number;
  readonly longitude?: number;
}

/** A home of which the transport only notes what it is sent. */
export async function openHome(folder: string, clock: ManualClock, place: Place = {}) {
  const store = await openTestStore(folder, [graphTables, deviceTables, automationTables], clock);
  const graph = new Graph({ store, clock, log: silentLogger });
  const devices = Devices.start({ store, graph, clock, log: silentLogger });
  const sent: string[] = [];
  const decided: Decision[] = [];
  let hang: Promise<void> | undefined;
  devices.connect({
    send: async (id, writes, origin) => {
      sent.push(`${id} ${JSON.stringify(writes.map(({ value }) => value))} ${origin}`);
      await hang;
    },
  });
  const users = new Map([['maya', MAYA]]);
  const forbidden = new Set<string>();
  const rights: AutomationRights = {
    principalOf: (id) => users.get(id),
    check: (principal, need) => {
      if (need.type === 'command' && forbidden.has(principal.userId)) throw new HubError('forbidden', 'no');
    },
    authorize: (principal) => {
      if (forbidden.has(principal.userId)) throw new HubError('forbidden', 'no');
    },
    record: (decision) => void decided.push(decision),
  };
  for (const [name, kind] of Object.entries(DEVICES)) describe(devices, name, kind);
  const idOf = (name: string): string => devices.list().find((view) => view.name === name)?.entityId ?? '';
  const start = ({ zone: zoneId = 'Europe/Berlin', latitude, longitude }: Place): Automations => {
    const zone = new HomeZone(zoneId);
    const hasPlace = latitude !== undefined && longitude !== undefined;
    const sun = hasPlace ? new Sun(latitude, longitude, zone) : null;
    return Automations.start({ store, graph, devices, rights, zone, sun, clock, log: silentLogger });
  };
  let automations = start(place);
  let left: Automations[] = [];
  return {
    store,
    graph,
    devices,
    sent,
    decided,
    users,
    forbidden,
    idOf,
    get automations() {
      return automations;
    },
    hangUntil: (promise: Promise<void>) => void (hang = promise),
    report: (name: string, value: boolean | number | string | null, isKept = false) =>
      devices.report([
        {
          componentId: `test/${name}`,
          kind: DEVICES[name] ?? 'on_off',
          value,
          origin: 'mqtt',
          ...(isKept ? { isKept } : {}),
        },
      ]),
    make: (id: string, content: Content, by: Actor | null = MAYA_HERE, entityType = 'automation') => {
      graph.transaction((writer) =>
        writer.createEntity({
          id,
          entityType,
          content: { name: id, ...content },
          author: { userId: 'maya', deviceId: 'phone' },
          sourceType: 'manual',
        }),
      );
      if (by) automations.edited(id, by);
    },
    edit: (id: string, content: Content, by: Actor | null = MAYA_HERE) => {
      graph.transaction((writer) =>
        writer.replaceContent(id, { name: id, ...content }, { userId: 'maya', deviceId: 'phone' }),
      );
      if (by) automations.edited(id, by);
    },
    /** Looks at what is due, and waits for what that sets off. */
    async tick() {
      automations.tick();
      await automations.settled();
    },
    /** Lets time pass in steps of a minute, looking at each. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= MINUTE) {
        clock.advance(Math.min(left, MINUTE));
        automations.tick();
        await automations.settled();
      }
    },
    async restart(downMs = 0, at: Place = place) {
      await automations[Symbol.asyncDispose]();
      clock.advance(downMs);
      automations = start(at);
    },
    /** As a process that is gone: nothing is saved. */
    crash() {
      left.push(automations);
      automations = start(place);
    },
    async [Symbol.asyncDispose]() {
      await automations[Symbol.asyncDispose]();
      for (const one of left) await one[Symbol.asyncDispose]();
      left = [];
      await devices[Symbol.asyncDispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

export type TestHome = Awaited<ReturnType<typeof openHome>>;

export function describe(devices: Devices, name: string, kind: CapabilityKind): void {
  devices.describe({
    id: `test/${name}`,
    type: TYPES[kind] ?? 'sensor',
    device: {
      identifiers: [`id:${name}`],
      name,
      manufacturer: null,
      model: null,
      swVersion: null,
      hwVersion: null,
      serialNumber: null,
      suggestedArea: null,
    },
    label: null,
    deviceClass: null,
    category: null,
    capabilities: [
      {
        kind,
        unit: null,
        range: null,
        writable: kind === 'on_off' || kind === 'scene',
        ...(kind === 'scene' ? { commands: ['activate'] } : {}),
      },
    ],
    unsupported: null,
    enabledByDefault: true,
  });
  devices.setAvailable(`test/${name}`, true);
}

export const command = (entityId: string, value: boolean) => ({
  type: 'command',
  entity_id: entityId,
  capability: 'on_off',
  value,
});

export const becomes = (entityId: string, to: boolean, more: object = {}) => ({
  type: 'state',
  entity_id: entityId,
  capability: 'on_off',
  to,
  ...more,
});
