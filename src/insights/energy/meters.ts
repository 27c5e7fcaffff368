import type { EnergyCapability, EnergyDevice, EnergyNote, EnergyRole } from './types.ts';

import { ENERGY_ROLES } from './types.ts';

/** What a fuse of a room, and the three of a house, let through at most. */
const DEVICE_LIMIT_KW = 17;
const HOME_LIMIT_KW = 52;

/** Counters of what is given away, by the words of those who make them. */
const GIVES_AWAY = /export|return|feed|fed|inject|produc|generat|surplus/i;
/** Parts of a count that another counter has as a whole. */
const IS_PART = /today|daily|yesterday|week|month|year|hour|\blast\b|tariff|phase|\bl[123]\b/i;

/** A device with the series that tell its energy. */
export interface Meter {
  readonly device: EnergyDevice;
  readonly role: EnergyRole;
  readonly parentId: string | null;
  readonly counters: readonly string[];
  readonly powers: readonly string[];
  /** What is fed in, of the meter of the home. */
  readonly exportCounters: readonly string[];
  readonly limitKw: number;
  readonly isShiftable: boolean;
}

/**
 * Finds what a device counts and measures. Its own counter comes first; of several the whole one is taken, and people
 * can name others.
 * @returns null for a device that tells nothing of energy, or does not count.
 */
export function meterOf(
  device: EnergyDevice,
  isRecorded: (capability: string) => boolean,
  notes: EnergyNote[],
): Meter | null {
  const recorded = device.capabilities.filter(
    ({ name, kind }) => (kind === 'energy' || kind === 'power') && isRecorded(name),
  );
  if (recorded.length === 0) return null;
  const note = (text: string): number =>
    notes.push({ kind: 'setting', entityId: device.entityId, text: `${device.name}: ${text}` });
  const { energy_role: role, energy_limit_kw: limit, energy_parent: parent } = device.settings;
  const known = ENERGY_ROLES.find((name) => name === role);
  if (role !== undefined && role !== null && !known) {
    note(`energy_role is none of ${ENERGY_ROLES.join(', ')}; it is taken for a device.`);
  }
  if (known === 'ignore') return null;
  const isLimit = typeof limit === 'number' && limit > 0;
  if (limit !== undefined && limit !== null && !isLimit)
    note('energy_limit_kw is no number above 0; it is passed over.');
  const isHome = known === 'main' || known === 'solar';
  return {
    device,
    role: known ?? 'device',
    parentId: typeof parent === 'string' && parent !== device.entityId ? parent : null,
    ...seriesOf(device, recorded, known ?? 'device', note),
    limitKw: isLimit ? limit : isHome ? HOME_LIMIT_KW : DEVICE_LIMIT_KW,
    isShiftable: device.settings.energy_shiftable === true,
  };
}

function seriesOf(
  device: EnergyDevice,
  recorded: readonly EnergyCapability[],
  role: EnergyRole,
  note: (text: string) => unknown,
): Pick<Meter, 'counters' | 'powers' | 'exportCounters'> {
  const all = recorded.filter(isCounter);
  const powers = recorded.filter(({ kind }) => kind === 'power');
  const away = all.filter(givesAway);
  const exportCounters = role === 'main' ? away.slice(0, 1).map(({ name }) => name) : [];
  const named = namedBy(device, recorded, note);
  if (named) {
    return {
      counters: named.filter(isCounter).map(({ name }) => name),
      powers: named.filter(({ kind }) => kind === 'power').map(({ name }) => name),
      exportCounters: exportCounters.filter((name) => !named.some((one) => one.name === name)),
    };
  }
  const candidates = role === 'solar' && away.length > 0 ? away : all.filter((one) => !givesAway(one));
  const whole = candidates.filter((one) => !IS_PART.test(words(one)));
  const [counter, ...others] = whole.length > 0 ? whole : candidates;
  if (counter && others.length > 0) {
    const names = [counter, ...others].map(({ name }) => name).join(', ');
    note(
      `it has the counters ${names}; ${counter.name} is taken. Set energy_capabilities to a list to choose.`,
    );
  }
  const power = powers.find((one) => !givesAway(one)) ?? powers[0];
  return { counters: counter ? [counter.name] : [], powers: power ? [power.name] : [], exportCounters };
}

/** Those that people named, as far as there are such; undefined where nobody did. */
function namedBy(
  device: EnergyDevice,
  recorded: readonly EnergyCapability[],
  note: (text: string) => unknown,
): EnergyCapability[] | undefined {
  const { energy_capabilities: names } = device.settings;
  if (names === undefined || names === null) return undefined;
  const found = Array.isArray(names) ? recorded.filter(({ name }) => names.includes(name)) : [];
  if (found.length > 0) return found;
  note(
    `energy_capabilities names none of ${recorded.map(({ name }) => name).join(', ')}; it is passed over.`,
  );
  return undefined;
}

function isCounter({ kind, state_class: stateClass }: EnergyCapability): boolean {
  return kind === 'energy' && (stateClass === 'total' || stateClass === 'total_increasing');
}

function givesAway(capability: EnergyCapability): boolean {
  return GIVES_AWAY.test(words(capability));
}

function words({ name, label }: EnergyCapability): string {
  return `${name} ${label ?? ''}`.replaceAll(/[_:.]/g, ' ');
}

/**
 * Behind which metered device each hangs, by id; those that hang on nothing, on what is not metered, on the meter of the
 * home or, in a ring, on themselves are not in it.
 */
export function parentsOf(meters: readonly Meter[], notes: EnergyNote[]): Map<string, string> {
  const byId = new Map(meters.map((meter) => [meter.device.entityId, meter]));
  const parents = new Map<string, string>();
  for (const { device, parentId } of meters) {
    const parent = parentId === null ? undefined : byId.get(parentId);
    if (!parent || parent.role !== 'device') continue;
    const seen = new Set([device.entityId]);
    let up: string | null = parentId;
    while (up !== null && !seen.has(up)) {
      seen.add(up);
      up = byId.get(up)?.parentId ?? null;
    }
    if (up === null) parents.set(device.entityId, parent.device.entityId);
    else {
      const text = `${device.name}: energy_parent leads round in a ring; it counts by itself.`;
      notes.push({ kind: 'setting', entityId: device.entityId, text });
    }
  }
  return parents;
}
