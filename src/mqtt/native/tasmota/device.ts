import { isIPv4 } from 'node:net';

import type { ComponentSpec } from '../../discovery/description.ts';

import { readFlag, readNumber, readText, toNumber, toText, type Config } from '../../components/fields.ts';
import { isObject, PayloadProblem, readLabel } from '../../discovery/expand.ts';
import { isFilter, isPublishTopic } from '../../topics.ts';

/** What the elements of `rl` mean. */
export const OUTPUT = { none: 0, relay: 1, light: 2, shutter: 3 } as const;

/** Entries of any list that are looked at; Tasmota has up to 32 outputs. */
const MAX_ENTRIES = 64;

/** A longest sleep of 24 hours, and an hour to be late. */
const DEEP_SLEEP_EXPIRY_S = 25 * 3600;

/** What a device says about itself, https://tasmota.github.io/docs/MQTT/ and `tasmota/discovery/<MAC>/config`. */
export interface TasmotaDevice {
  /** As in its topic: twelve upper-case hex digits. */
  readonly mac: string;
  readonly block: Config;
  /** The keys that say whether it is there; empty for one that sleeps most of the time. */
  readonly availability: Config;
  /** Values of a device that sleeps are unknown after so long; null where the broker tells that it is gone. */
  readonly expireAfterS: number | null;
  /** Answers and changes (`stat`), and where the topics allow it telemetry (`tele`) as well. */
  readonly stateFilter: string;
  /** Telemetry, and where the topics allow it answers as well. */
  readonly sensorFilter: string;
  /** What the commands' names are appended to. */
  readonly commandPrefix: string;
  /** How it calls off, on, toggle and hold. */
  readonly words: {
    readonly off: string;
    readonly on: string;
    readonly toggle: string;
    readonly hold: string;
  };
  readonly outputs: readonly number[];
  readonly outputNames: readonly (string | null)[];
  readonly switchModes: readonly number[];
  readonly switchNames: readonly (string | null)[];
  readonly buttons: readonly number[];
  readonly lightSubtype: number;
  /** Whether colour and white are one light. */
  readonly isLinked: boolean;
  readonly isFan: boolean;
  readonly isTuya: boolean;
  readonly hasBattery: boolean;
  readonly shutterOptions: readonly number[];
  readonly shutterTilts: readonly (readonly number[])[];
  /** A SetOption. */
  option(number: number): boolean;
}

/** @throws PayloadProblem when nothing can be made of it. */
export function readDevice(mac: string, config: Config): TasmotaDevice {
  const reported = readText(config, 'mac');
  if (reported !== null && reported.toUpperCase() !== mac) {
    throw new PayloadProblem('the payload names another MAC than the topic');
  }
  const prefixes = readNames(config, 'tp');
  const [command, stat, tele] = ['cmnd', 'stat', 'tele'].map((name, at) =>
    toTopic(config, mac, prefixes[at] ?? name, name),
  );
  if (command === undefined || stat === undefined || tele === undefined) {
    throw new PayloadProblem('the payload names no topic');
  }
  const filter = toCommonFilter(stat, tele);
  const [stateFilter, sensorFilter] = [filter ?? `${stat}+`, filter ?? `${tele}+`];
  if (!isPublishTopic(`${command}POWER1`) || !isPublishTopic(`${tele}LWT`) || !isFilter(stateFilter)) {
    throw new PayloadProblem('its topics can not be used with MQTT');
  }
  const states = readNames(config, 'state');
  const options = isObject(config.so) ? config.so : {};
  const sleeps = readFlag(config, 'dslp', false) || (readNumber(config, 'dslp') ?? 0) > 0;
  return {
    mac,
    block: toBlock(mac, config),
    availability: sleeps
      ? {}
      : {
          availability_topic: `${tele}LWT`,
          payload_available: readText(config, 'onln') ?? 'Online',
          payload_not_available: readText(config, 'ofln') ?? 'Offline',
        },
    expireAfterS: sleeps ? DEEP_SLEEP_EXPIRY_S : null,
    stateFilter,
    sensorFilter,
    commandPrefix: command,
    words: {
      off: toWord(states[0], 'OFF'),
      on: toWord(states[1], 'ON'),
      toggle: toWord(states[2], 'TOGGLE'),
      hold: toWord(states[3], 'HOLD'),
    },
    outputs: readNumbers(config, 'rl'),
    outputNames: readNames(config, 'fn'),
    switchModes: readNumbers(config, 'swc'),
    switchNames: readNames(config, 'swn'),
    buttons: readNumbers(config, 'btn'),
    lightSubtype: readNumber(config, 'lt_st') ?? 0,
    isLinked: readFlag(config, 'lk', true),
    isFan: readFlag(config, 'if', false),
    isTuya: readFlag(config, 'ty', false),
    hasBattery: readFlag(config, 'bat', false),
    shutterOptions: readNumbers(config, 'sho'),
    shutterTilts: readList(config, 'sht').map((tilt) => (Array.isArray(tilt) ? toNumbers(tilt) : [])),
    option: (number) => readFlag(options, String(number), false),
  };
}

/** One of the device's components. */
export function toComponent(
  device: TasmotaDevice,
  type: string,
  objectId: string,
  config: Config,
): ComponentSpec {
  return {
    id: `${type}/tasmota_${device.mac}/${objectId}`,
    type,
    objectId,
    config: {
      ...config,
      unique_id: `tasmota_${device.mac}_${objectId}`,
      ...device.availability,
      device: device.block,
    },
  };
}

export function commandTopic(device: TasmotaDevice, command: string): string {
  return `${device.commandPrefix}${command}`;
}

/** The keys of a component that reports by itself and may fall silent. */
export function expiry({ expireAfterS }: TasmotaDevice): Config {
  return expireAfterS === null ? {} : { expire_after: expireAfterS };
}

/** Whether a text can stand in a template between double quotes. */
export function isQuotable(text: string): boolean {
  return text.length > 0 && text.length <= 100 && !/["\\{}%\p{Cc}]/u.test(text);
}

function toBlock(mac: string, config: Config): Config {
  const ip = readText(config, 'ip');
  return {
    identifiers: [mac],
    ...(/^[0-9A-F]{12}$/.test(mac) ? { connections: [['mac', mac]] } : {}),
    name: readLabel(config, 'dn'),
    model: readLabel(config, 'md'),
    sw_version: readLabel(config, 'sw'),
    manufacturer: 'Tasmota',
    ...(ip !== null && isIPv4(ip) ? { configuration_url: `http://${ip}/` } : {}),
  };
}

/** The full topic of a prefix, with a slash at its end; undefined without a topic. */
function toTopic(config: Config, mac: string, prefix: string, kind: string): string | undefined {
  const topic = readText(config, 't');
  if (topic === null || topic === '') return undefined;
  let full = readText(config, 'ft') ?? '%prefix%/%topic%/';
  // The firmware does the same, or a device would take its own answers for commands.
  if (kind === 'cmnd' && !full.includes('%prefix%')) full = `${full.replace(/\/$/, '')}/%prefix%/`;
  const values: Readonly<Record<string, string>> = {
    prefix,
    topic,
    hostname: readText(config, 'hn') ?? '',
    id: mac.slice(-6),
  };
  const filled = full.replaceAll(/%(prefix|topic|hostname|id)%/g, (_, name: string) => values[name] ?? '');
  return filled.endsWith('/') ? filled : `${filled}/`;
}

/** One filter for both; null where they do not have the same number of levels. */
function toCommonFilter(stat: string, tele: string): string | null {
  const [left, right] = [stat.split('/'), tele.split('/')];
  if (left.length !== right.length) return null;
  return `${left.map((level, at) => (level === right[at] ? level : '+')).join('/')}+`;
}

function toWord(reported: string | null | undefined, fallback: string): string {
  return reported !== null && reported !== undefined && isQuotable(reported) ? reported : fallback;
}

function readList(config: Config, key: string): readonly unknown[] {
  const value = config[key];
  return Array.isArray(value) ? (value as readonly unknown[]).slice(0, MAX_ENTRIES) : [];
}

function readNumbers(config: Config, key: string): number[] {
  return toNumbers(readList(config, key));
}

/** What is no number counts as 0, for its place in the list means something. */
function toNumbers(list: readonly unknown[]): number[] {
  return list.slice(0, MAX_ENTRIES).map((value) => toNumber(value) ?? 0);
}

function readNames(config: Config, key: string): (string | null)[] {
  return readList(config, key).map((value) => toText(value)?.trim().slice(0, 200) || null);
}
