import type {
  Capability,
  CapabilityKind,
  CapabilityValue,
  CodedCommand,
  HueSaturation,
  SinkWrite,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';

/** What an order leads to, by kind and order: the reports that show that the device obeys. */
const EFFECTS: Partial<Record<CapabilityKind, Readonly<Record<string, readonly string[]>>>> = {
  open_close: {
    open: ['open', 'opening'],
    close: ['closed', 'closing'],
    stop: ['stopped', 'open', 'closed'],
  },
  locked: {
    lock: ['locked', 'locking'],
    unlock: ['unlocked', 'unlocking', 'open', 'opening'],
    open: ['open', 'opening', 'unlocked'],
  },
  alarm: {
    arm_home: ['armed_home', 'arming', 'pending'],
    arm_away: ['armed_away', 'arming', 'pending'],
    arm_night: ['armed_night', 'arming', 'pending'],
    arm_vacation: ['armed_vacation', 'arming', 'pending'],
    arm_custom_bypass: ['armed_custom_bypass', 'arming', 'pending'],
    disarm: ['disarmed', 'disarming'],
    trigger: ['triggered', 'pending'],
  },
  vacuum: {
    start: ['cleaning'],
    pause: ['paused'],
    stop: ['idle', 'paused', 'docked'],
    return_to_base: ['returning', 'docked'],
    clean_spot: ['cleaning'],
  },
  lawn_mower: { start_mowing: ['mowing'], pause: ['paused'], dock: ['returning', 'docked'] },
  update: { install: ['installing', 'up_to_date'] },
};

const MAX_CODE_CHARS = 64;
const MAX_TEXT_CHARS = 255;

/**
 * Checks a value that somebody wants a capability to have. An order may be given as the state that it leads to
 * (`locked` for `lock`), and, where a code is asked for, as {command, code}.
 * @throws HubError `invalid` saying what is accepted.
 */
export function toSinkWrite(capability: Capability, value: unknown): SinkWrite {
  const { kind, name } = capability;
  if (!capability.writable) {
    throw new HubError('invalid', `${name} can only be read`, { field: 'capability' });
  }
  if (capability.commands) return { kind, value: toOrder(capability, capability.commands, value) };
  if (kind === 'color_hs') return { kind, value: toHueSaturation(name, value) };
  if (kind === 'on_off' || kind === 'binary' || kind === 'oscillation') {
    if (typeof value !== 'boolean') throw notAccepted(name, 'true or false');
    return { kind, value };
  }
  if (capability.options) {
    if (typeof value !== 'string' || !capability.options.includes(value)) {
      throw notAccepted(name, oneOf(capability.options));
    }
    return { kind, value };
  }
  if (kind === 'text') return { kind, value: toText(capability, value) };
  const { min, max } = capability.range ?? { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    const unit = capability.unit === null ? '' : ` ${capability.unit}`;
    throw notAccepted(name, capability.range ? `a number from ${min} to ${max}${unit}` : 'a number');
  }
  return { kind, value };
}

function toOrder(capability: Capability, commands: readonly string[], value: unknown): string | CodedCommand {
  const { kind, name } = capability;
  const given = isJsonObject(value) ? value.command : value;
  const code = isJsonObject(value) ? value.code : undefined;
  const command = typeof given === 'string' ? commandFor(kind, commands, given) : undefined;
  if (command === undefined) throw notAccepted(name, oneOf(commands));
  if (code === undefined || code === null || code === '') {
    if (capability.needs_code !== true) return command;
    throw notAccepted(name, `{"command": "${command}", "code": the code that the device asks for}`);
  }
  if ((typeof code !== 'string' && typeof code !== 'number') || String(code).length > MAX_CODE_CHARS) {
    throw notAccepted(name, `a code of at most ${MAX_CODE_CHARS} characters`);
  }
  return { command, code: String(code) };
}

/** The order itself, or the one whose end was named. */
function commandFor(kind: CapabilityKind, commands: readonly string[], given: string): string | undefined {
  if (commands.includes(given)) return given;
  const effects = EFFECTS[kind] ?? {};
  return commands.find((command) => effects[command]?.[0] === given);
}

function toText({ name, range }: Capability, value: unknown): string {
  const max = range?.max ?? MAX_TEXT_CHARS;
  const min = range?.min ?? 0;
  if (typeof value !== 'string' || value.length > max || value.length < min) {
    throw notAccepted(
      name,
      min > 0 ? `a text of ${min} to ${max} characters` : `a text of at most ${max} characters`,
    );
  }
  return value;
}

function toHueSaturation(name: string, value: unknown): HueSaturation {
  const accepted = '{"hue": 0 to 360, "saturation": 0 to 100}';
  if (!isJsonObject(value)) throw notAccepted(name, accepted);
  const { hue, saturation } = value;
  if (typeof hue !== 'number' || typeof saturation !== 'number') throw notAccepted(name, accepted);
  if (!(hue >= 0 && hue <= 360 && saturation >= 0 && saturation <= 100)) throw notAccepted(name, accepted);
  return { hue, saturation };
}

function oneOf(texts: readonly string[]): string {
  return `one of ${texts.slice(0, 20).join(', ')}`;
}

function notAccepted(name: string, accepted: string): HubError {
  return new HubError('invalid', `${name} takes ${accepted}`, { field: 'value' });
}

/** What a device reported, or null where it is no value of that kind: impossible is unknown, never 0. */
export function toReportedValue(kind: CapabilityKind, value: CapabilityValue): CapabilityValue {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return value.slice(0, 1024);
  if (kind === 'color_hs' && isJsonObject(value)) {
    return Number.isFinite(value.hue) && Number.isFinite(value.saturation) ? value : null;
  }
  return value;
}

/** Devices round: a dimmer that was told 50 % may report 49.8, a lamp in mired may be one off. */
const TOLERANCE: Partial<Record<CapabilityKind, number>> = {
  brightness: 1,
  color_temperature: 3,
  position: 2,
  tilt: 2,
  speed: 2,
  target_temperature: 0.5,
  target_temperature_high: 0.5,
  target_temperature_low: 0.5,
  target_humidity: 1,
};
const HUE_TOLERANCE = 4;

/** Whether a report can show at all that it was carried out: a pressed button tells nothing. */
export function isConfirmable({ kind, value }: SinkWrite): boolean {
  if (kind === 'button' || kind === 'scene' || kind === 'volume' || kind === 'duration' || kind === 'tone') {
    return false;
  }
  return EFFECTS[kind] === undefined || EFFECTS[kind][orderOf(value) ?? ''] !== undefined;
}

/** Whether a report shows that a command was carried out. */
export function confirms(
  kind: CapabilityKind,
  wanted: SinkWrite['value'],
  reported: CapabilityValue,
): boolean {
  const effects = EFFECTS[kind];
  if (effects) {
    const order = orderOf(wanted);
    return typeof reported === 'string' && order !== undefined && effects[order]?.includes(reported) === true;
  }
  if (typeof wanted === 'number' && typeof reported === 'number') {
    return Math.abs(wanted - reported) <= (TOLERANCE[kind] ?? 1e-6);
  }
  if (isHueSaturation(wanted) && typeof reported === 'object' && reported !== null) {
    const turn = Math.abs(wanted.hue - reported.hue) % 360;
    return (
      Math.min(turn, 360 - turn) <= HUE_TOLERANCE &&
      Math.abs(wanted.saturation - reported.saturation) <= HUE_TOLERANCE
    );
  }
  return wanted === reported;
}

/** The order's word, with or without a code. */
function orderOf(value: SinkWrite['value']): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && 'command' in value ? value.command : undefined;
}

function isHueSaturation(value: SinkWrite['value']): value is HueSaturation {
  return typeof value === 'object' && 'hue' in value;
}
