import type {
  CapabilityDescription,
  CapabilityKind,
  CapabilityValue,
  StateClass,
  ValueRange,
} from '../devices/types.ts';
import type { CharacteristicName } from './hap-types.ts';
import type { HapCharacteristic, HapValue } from './types.ts';

/** The characteristics of one service that the hub knows, by name. */
export type Characteristics = ReadonlyMap<CharacteristicName, HapCharacteristic>;

/** Present values by name; absent is unknown. */
export type NamedValues = ReadonlyMap<CharacteristicName, HapValue>;

/** What is to be written, by name. */
export type NamedWrites = Partial<Record<CharacteristicName, number | boolean>>;

/** How one capability of the hub is made of characteristics. */
export interface CapabilityRule {
  readonly kind: CapabilityKind;
  /** Without all of these there is no such capability. */
  readonly needs: readonly CharacteristicName[];
  /** Looked at where they are there. */
  readonly also?: readonly CharacteristicName[];
  /** What commands go to; all of it has to be writable. Absent where there is nothing to command. */
  readonly target?: readonly CharacteristicName[];
  readonly unit?: string;
  readonly stateClass?: StateClass;
  readonly describe?: (
    characteristics: Characteristics,
  ) => Partial<Pick<CapabilityDescription, 'range' | 'options' | 'commands'>>;
  /** Null is unknown. */
  readonly read: (values: NamedValues) => CapabilityValue;
  /** Undefined for a value that it does not take. */
  readonly write?: (value: unknown, values: NamedValues) => NamedWrites | undefined;
}

/** True or false; HAP writes 1 and 0 as well. */
export function toFlag(value: HapValue | undefined): boolean | null {
  if (typeof value === 'boolean') return value;
  return value === 0 || value === 1 ? value === 1 : null;
}

export function toNumber(value: HapValue | undefined): number | null {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The limits that the characteristic states, or the given ones. */
export function toRange(one: HapCharacteristic | undefined, fallback: ValueRange | null): ValueRange | null {
  const min = one?.minValue ?? fallback?.min;
  const max = one?.maxValue ?? fallback?.max;
  if (min === undefined || max === undefined || min >= max) return fallback;
  const step = one?.minStep ?? fallback?.step;
  return step === undefined ? { min, max } : { min, max, step };
}

/** Whether an enumeration has this value, as far as it says so. */
export function isOffered(one: HapCharacteristic | undefined, value: number): boolean {
  if (!one) return false;
  if (one.validValues) return one.validValues.includes(value);
  return value >= (one.minValue ?? -Infinity) && value <= (one.maxValue ?? Infinity);
}

export function flag(
  kind: CapabilityKind,
  name: CharacteristicName,
  options: { readOnly?: boolean; isOn?: (value: boolean) => boolean } = {},
): CapabilityRule {
  const { readOnly = false, isOn = (value) => value } = options;
  return {
    kind,
    needs: [name],
    read: (values) => {
      const value = toFlag(values.get(name));
      return value === null ? null : isOn(value);
    },
    ...(readOnly
      ? {}
      : {
          target: [name],
          write: (value: unknown) => (typeof value === 'boolean' ? { [name]: isOn(value) } : undefined),
        }),
  };
}

export function number(
  kind: CapabilityKind,
  name: CharacteristicName,
  options: {
    unit?: string;
    range?: ValueRange;
    target?: CharacteristicName;
    stateClass?: StateClass;
    /** Readings below are none: a lamp that shows a colour reports a temperature of 0. */
    least?: number;
  } = {},
): CapabilityRule {
  const { unit, range = null, target, stateClass, least = -Infinity } = options;
  return {
    kind,
    needs: [name],
    ...(unit === undefined ? {} : { unit }),
    ...(stateClass === undefined ? {} : { stateClass }),
    describe: (characteristics) => ({ range: toRange(characteristics.get(target ?? name), range) }),
    read: (values) => {
      const value = toNumber(values.get(name));
      return value === null || value < least ? null : value;
    },
    ...(target === undefined
      ? {}
      : {
          target: [target],
          write: (value: unknown) => (isNumber(value) ? { [target]: value } : undefined),
        }),
  };
}

/** A measured value. */
export function reading(kind: CapabilityKind, name: CharacteristicName, unit?: string): CapabilityRule {
  const rule = number(kind, name, { stateClass: 'measurement', ...(unit === undefined ? {} : { unit }) });
  return { ...rule, describe: () => ({ range: null }) };
}

/** One of several texts, by the number that HAP has for each. */
export function choice(
  kind: CapabilityKind,
  name: CharacteristicName,
  texts: Readonly<Record<number, string>>,
  target?: CharacteristicName,
): CapabilityRule {
  return {
    kind,
    needs: [name],
    describe: (characteristics) => ({ options: offered(characteristics.get(target ?? name), texts) }),
    read: (values) => textOf(texts, values.get(name)),
    ...(target === undefined
      ? {}
      : {
          target: [target],
          write: (value: unknown) => {
            const code = codeOf(texts, value);
            return code === undefined ? undefined : { [target]: code };
          },
        }),
  };
}

/** The texts whose numbers the characteristic offers. */
export function offered(
  one: HapCharacteristic | undefined,
  texts: Readonly<Record<number, string>>,
): string[] {
  return Object.entries(texts).flatMap(([code, text]) => (isOffered(one, Number(code)) ? [text] : []));
}

export function textOf(texts: Readonly<Record<number, string>>, value: HapValue | undefined): string | null {
  const code = toNumber(value);
  return code === null ? null : (texts[code] ?? null);
}

export function codeOf(texts: Readonly<Record<number, string>>, text: unknown): number | undefined {
  const code = Object.entries(texts).find(([, one]) => one === text)?.[0];
  return code === undefined ? undefined : Number(code);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
