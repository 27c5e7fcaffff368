import { readFlag, readNumber, readText, toText, type Config } from '../../components/fields.ts';
import { isObject, parseObject, PayloadProblem, readLabel } from '../../discovery/expand.ts';
import { isPublishTopic } from '../../topics.ts';
import { DEVICES_PER_PROTOCOL } from '../announcements.ts';
import { readExposes, type Expose } from './expose.ts';

const MAX_MEMBERS = 200;
const MAX_SCENES = 64;

export interface Scene {
  readonly id: number;
  readonly name: string;
}

/** A device of `bridge/devices`. */
export interface ZigbeeDevice {
  /** Its address, which it keeps for life. */
  readonly ieee: string;
  readonly isCoordinator: boolean;
  /** Null where the name can't be part of a topic. */
  readonly name: string | null;
  /** Whether it was interviewed, is known, and not turned off by its owner. */
  readonly isUsable: boolean;
  readonly isBattery: boolean;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly modelId: string | null;
  readonly swVersion: string | null;
  readonly canUpdate: boolean;
  readonly exposes: readonly Expose[];
  readonly scenes: readonly Scene[];
}

/** A group of `bridge/groups`. */
export interface ZigbeeGroup {
  readonly id: number;
  readonly name: string;
  readonly members: readonly string[];
  readonly scenes: readonly Scene[];
}

/** What `bridge/info` says that matters here. */
export interface BridgeInfo {
  readonly version: string | null;
  /** Whether `<name>/availability` is told where nothing else is said. */
  readonly isAvailabilityTold: boolean;
  /** What was set for single devices, by address. */
  readonly availability: ReadonlyMap<string, boolean>;
  /** Whether states are published as JSON. */
  readonly isJson: boolean;
}

/** @throws PayloadProblem when it is no list. */
export function parseDevices(text: string): ZigbeeDevice[] {
  return parseList(text).flatMap((item) => {
    const device = isObject(item) ? readDevice(item) : null;
    return device ? [device] : [];
  });
}

/** @throws PayloadProblem when it is no list. */
export function parseGroups(text: string): ZigbeeGroup[] {
  return parseList(text).flatMap((item) => {
    if (!isObject(item)) return [];
    const id = readNumber(item, 'id');
    const name = readText(item, 'friendly_name');
    if (id === null || !Number.isInteger(id) || name === null || !isName(name)) return [];
    const members: readonly unknown[] = Array.isArray(item.members) ? item.members : [];
    const addresses = members
      .slice(0, MAX_MEMBERS)
      .flatMap((member) => (isObject(member) ? (readAddress(member) ?? []) : []));
    return [{ id, name, members: [...new Set(addresses)], scenes: readScenes(item.scenes) }];
  });
}

/** @throws PayloadProblem when it is no object. */
export function parseInfo(text: string): BridgeInfo {
  const info = parseObject(text);
  const config = isObject(info.config) ? info.config : {};
  const advanced = isObject(config.advanced) ? config.advanced : {};
  const devices = isObject(config.devices) ? Object.entries(config.devices) : [];
  const availability = devices.slice(0, DEVICES_PER_PROTOCOL).flatMap(([ieee, options]) => {
    const told = isObject(options) ? toSetting(options.availability) : null;
    return told === null ? [] : [[ieee.toLowerCase(), told] as const];
  });
  return {
    version: readLabel(info, 'version'),
    isAvailabilityTold: toSetting(config.availability) ?? false,
    availability: new Map(availability),
    isJson: readText(advanced, 'output') !== 'attribute',
  };
}

/** True, or an object with settings, unless that says `enabled: false`; null where nothing is said. */
function toSetting(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  return isObject(value) ? readFlag(value, 'enabled', true) : null;
}

function parseList(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PayloadProblem('the payload is not JSON');
  }
  if (!Array.isArray(value)) throw new PayloadProblem('the payload is not a JSON list');
  return (value as readonly unknown[]).slice(0, DEVICES_PER_PROTOCOL);
}

function readDevice(item: Config): ZigbeeDevice | null {
  const ieee = readAddress(item);
  if (ieee === null) return null;
  const definition = isObject(item.definition) ? item.definition : null;
  const name = readText(item, 'friendly_name');
  const state = readText(item, 'interview_state');
  const isInterviewed = state === null ? readFlag(item, 'interview_completed', true) : state === 'SUCCESSFUL';
  return {
    ieee,
    isCoordinator: readText(item, 'type') === 'Coordinator',
    name: name !== null && isName(name) ? name : null,
    isUsable: definition !== null && isInterviewed && !readFlag(item, 'disabled', false),
    isBattery: readText(item, 'power_source') === 'Battery',
    manufacturer: definition && readLabel(definition, 'vendor'),
    model: definition && readLabel(definition, 'description'),
    modelId: definition && readLabel(definition, 'model'),
    swVersion: readLabel(item, 'software_build_id'),
    canUpdate: definition !== null && readFlag(definition, 'supports_ota', false),
    exposes: definition ? readExposes(definition.exposes) : [],
    scenes: isObject(item.endpoints)
      ? Object.values(item.endpoints).flatMap((endpoint) =>
          isObject(endpoint) ? readScenes(endpoint.scenes) : [],
        )
      : [],
  };
}

function readAddress(item: Config): string | null {
  const ieee = readText(item, 'ieee_address')?.toLowerCase() ?? '';
  return /^0x[0-9a-f]{16}$/.test(ieee) ? ieee : null;
}

function readScenes(value: unknown): Scene[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.slice(0, MAX_SCENES).flatMap((item) => {
    const id = isObject(item) ? readNumber(item, 'id') : null;
    if (!isObject(item) || id === null || !Number.isInteger(id)) return [];
    return [{ id, name: toText(item.name)?.trim().slice(0, 200) || `Scene ${id}` }];
  });
}

/** It may hold spaces, slashes and umlauts, but not what would make another topic of it. */
function isName(name: string): boolean {
  return name !== '' && !/\p{Cc}/u.test(name) && isPublishTopic(`base/base/${name}/set/x`);
}
