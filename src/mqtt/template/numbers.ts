/** `repr` of a Python float: always a point or an exponent, exponents of two digits or more. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [mantissa = '', exponent = ''] = value.toExponential().split('e');
    return `${mantissa}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** An integer in full digits, however large. */
export function intText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}

const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i;
const SPECIAL_FLOAT = /^([+-]?)(inf|infinity|nan)$/i;
const MAX_NUMBER_LENGTH = 400;

/** Python's `float(text)`; undefined when the text is no number. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed.length > MAX_NUMBER_LENGTH) return undefined;
  if (FLOAT.test(trimmed)) return Number(trimmed.replaceAll('_', ''));
  const special = SPECIAL_FLOAT.exec(trimmed);
  if (special === null) return undefined;
  if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
  return special[1] === '-' ? -Infinity : Infinity;
}

const BASE_PREFIXES: ReadonlyMap<number, RegExp> = new Map([
  [2, /^0b/i],
  [8, /^0o/i],
  [16, /^0x/i],
]);

/** Python's `int(text, base)`, base 2 to 36; undefined when the text is no integer. */
export function parseIntText(text: string, base: number): number | undefined {
  const match = /^([+-]?)([0-9a-z_]+)$/i.exec(text.trim());
  if (match === null) return undefined;
  const prefix = BASE_PREFIXES.get(base);
  const digits = (match[2] ?? '').replace(prefix ?? '', '').replaceAll('_', '');
  if (digits === '' || digits.length > MAX_NUMBER_LENGTH) return undefined;
  let result = 0;
  for (const character of digits) {
    const digit = Number.parseInt(character, 36);
    if (digit >= base) return undefined;
    result = result * base + digit;
  }
  if (!Number.isFinite(result)) return undefined;
  return match[1] === '-' ? 0 - result : result;
}

/** Decimal text with `digits` (0 to 100) places, exact ties to even as in Python; `toFixed` sends them away from zero. */
export function fixedText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (size >= 1e21) return `${sign}${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`;
  const away = size.toFixed(digits);
  // A double lies exactly between two decimals of n places only if it is an odd multiple of 2^-(n+1).
  const isTie = (size * 2 ** (digits + 1)) % 2 === 1;
  const last = Number(away.at(-1));
  return `${sign}${isTie && last % 2 === 1 ? `${away.slice(0, -1)}${last - 1}` : away}`;
}

/** Python's `round(value, digits)`; negative digits round to tens, hundreds and so on. */
export function roundTo(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 20) return value;
  if (digits >= 0) return Number(fixedText(value, digits));
  const unit = 10 ** -digits;
  return Number.isFinite(unit) ? Number(fixedText(value / unit, 0)) * unit : 0;
}
