import { TemplateError } from './errors.ts';
import { fixedText, floatText, intText } from './numbers.ts';
import type { Args, Run } from './run.ts';
import { toText } from './text.ts';
import { asNumber, describe, isFloat, refuseUndefined } from './values.ts';

const MAX_PRECISION = 60;

interface FieldStyle {
  /** d, i, u, f, F, e, E, g, G, x, X, o, b, c, s or nothing. */
  readonly type: string;
  readonly precision: number | undefined;
  /** `+`, space, or nothing. */
  readonly sign: string;
  readonly thousands: boolean;
  readonly prefix: boolean;
}

function needNumber(value: unknown): number {
  refuseUndefined(value);
  const number = asNumber(value);
  if (number === undefined) throw new TemplateError(`${describe(value)} can't be formatted as a number`);
  return number;
}

/** The digits of a number without its sign. */
function formatDigits(value: number, style: FieldStyle): string {
  const size = Math.abs(value);
  const precision = style.precision ?? 6;
  switch (style.type) {
    case 'f':
    case 'F':
      return fixedText(size, precision);
    case 'e':
    case 'E':
      return exponentText(size, precision);
    case 'g':
    case 'G':
      return generalText(size, Math.max(1, precision));
    case '%':
      return `${fixedText(size * 100, precision)}%`;
    case 'x':
    case 'X':
      return `${style.prefix ? '0x' : ''}${Math.trunc(size).toString(16)}`;
    case 'o':
      return `${style.prefix ? '0o' : ''}${Math.trunc(size).toString(8)}`;
    case 'b':
      return `${style.prefix ? '0b' : ''}${Math.trunc(size).toString(2)}`;
    default:
      return intText(Math.trunc(size)).padStart(style.precision ?? 0, '0');
  }
}

function exponentText(size: number, precision: number): string {
  const [mantissa = '', exponent = ''] = size.toExponential(precision).split('e');
  return `${mantissa}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`;
}

function generalText(size: number, precision: number): string {
  const exponent = size === 0 ? 0 : Math.floor(Math.log10(Number(size.toPrecision(precision))));
  const text =
    exponent < -4 || exponent >= precision
      ? exponentText(size, precision - 1)
      : fixedText(size, precision - 1 - exponent);
  return text.includes('.') ? text.replace(/\.?0+(?=e|$)/, '') : text;
}

/** Sign and digits apart, so that zeros can go between them. */
function formatNumber(value: unknown, style: FieldStyle): readonly [string, string] {
  const number = needNumber(value);
  if (!Number.isFinite(number)) return ['', floatText(number)];
  const digits = formatDigits(number, style);
  const cased = style.type !== '' && style.type === style.type.toUpperCase() ? digits.toUpperCase() : digits;
  const grouped = style.thousands ? cased.replace(/^\d+/, (whole) => groupThousands(whole)) : cased;
  return [number < 0 || Object.is(number, -0) ? '-' : style.sign, grouped];
}

function groupThousands(digits: string): string {
  return digits.replaceAll(/\d(?=(?:\d{3})+$)/g, '$&,');
}

function pad(
  run: Run,
  [sign, body]: readonly [string, string],
  width: number,
  align: string,
  fill: string,
): string {
  run.reserve(width);
  const missing = width - sign.length - body.length;
  if (missing <= 0) return `${sign}${body}`;
  const left = align === '<' ? 0 : align === '^' ? Math.floor(missing / 2) : missing;
  if (align === '=') return `${sign}${fill.repeat(missing)}${body}`;
  return `${fill.repeat(left)}${sign}${body}${fill.repeat(missing - left)}`;
}

function readPrecision(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (Number(text) > MAX_PRECISION)
    throw new TemplateError(`A format asks for more than ${MAX_PRECISION} places`);
  return Number(text);
}

/** Python's `text % items`: `%d`, `%05.1f`, `%02X` and the like. */
export function formatPercent(run: Run, text: string, items: readonly unknown[]): string {
  const parts: string[] = [];
  let used = 0;
  let last = 0;
  for (const match of text.matchAll(/%([-+ 0#]*)(\d*)(?:\.(\d*))?(.?)/gsu)) {
    const [written, flags = '', width = '', places, type = ''] = match;
    parts.push(text.slice(last, match.index));
    last = match.index + written.length;
    if (type === '%') {
      parts.push('%');
      continue;
    }
    if (used >= items.length) throw new TemplateError(`The format has no value for "${written}"`);
    const value = items[used];
    used += 1;
    const precision = readPrecision(places);
    const isText = type === 's' || type === 'r' || type === 'c';
    if (!isText && !(type !== '' && 'diufFeEgGxXo'.includes(type)))
      throw new TemplateError(`The format "${written}" is not known`);
    const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
    const style = { type, precision, sign, thousands: false, prefix: flags.includes('#') };
    const body: readonly [string, string] = isText
      ? ['', toText(run, value).slice(0, precision)]
      : formatNumber(value, style);
    const zeros = flags.includes('0') && !isText && !flags.includes('-');
    parts.push(
      pad(run, body, Number(width), flags.includes('-') ? '<' : zeros ? '=' : '>', zeros ? '0' : ' '),
    );
  }
  if (used < items.length) throw new TemplateError('The format has fewer places than there are values');
  parts.push(text.slice(last));
  return run.join(parts, '');
}

const FIELD_SPEC = /^(?:(.)?([<>=^]))?([-+ ]?)(#?)(0?)(\d*)(,?)(?:\.(\d+))?([bcdeEfFgGosxX%]?)$/su;

/** Python's `format(value, spec)` as it stands after the colon in `{:.1f}`. */
function formatField(run: Run, value: unknown, spec: string): string {
  if (spec === '') return toText(run, value);
  const match = FIELD_SPEC.exec(spec);
  if (match === null) throw new TemplateError(`The format "${spec}" is not known`);
  const [, fill, align, sign = '', alternate, zero, width, comma, places, type = ''] = match;
  const isText = typeof value === 'string' || type === 's';
  const precision = readPrecision(places);
  if (isText) {
    const body = ['', toText(run, value).slice(0, precision)] as const;
    return pad(run, body, Number(width), align ?? '<', fill ?? ' ');
  }
  const style: FieldStyle = {
    type: type !== '' ? type : isFloat(value) || precision !== undefined ? 'g' : 'd',
    precision: type === '' && isFloat(value) ? (precision ?? 17) : precision,
    sign: sign === '-' ? '' : sign,
    thousands: comma === ',',
    prefix: alternate === '#',
  };
  const body: readonly [string, string] =
    type === '' && precision === undefined && isFloat(value)
      ? splitSign(toText(run, value), style.sign)
      : formatNumber(value, style);
  return pad(
    run,
    body,
    Number(width),
    align ?? (zero === '0' ? '=' : '>'),
    fill ?? (zero === '0' ? '0' : ' '),
  );
}

function splitSign(text: string, plus: string): readonly [string, string] {
  return text.startsWith('-') ? ['-', text.slice(1)] : [plus, text];
}

/** Python's `text.format(…)`: `{}`, `{0}`, `{name}`, each with `:spec`. No attributes, no nesting. */
export function formatBraces(run: Run, text: string, args: Args): string {
  const parts: string[] = [];
  let used = 0;
  let last = 0;
  for (const match of text.matchAll(/\{\{|\}\}|\{([^{}:!]*)(?:!s)?(?::([^{}]*))?\}|[{}]/g)) {
    const [written, field, spec = ''] = match;
    parts.push(text.slice(last, match.index));
    last = match.index + written.length;
    if (written === '{{' || written === '}}') {
      parts.push(written.slice(1));
      continue;
    }
    if (field === undefined) throw new TemplateError('A brace in the format has no partner');
    const index = field === '' ? used : /^\d+$/.test(field) ? Number(field) : Infinity;
    if (field === '') used += 1;
    if (!args.has(index, field)) throw new TemplateError(`The format has no value for "${written}"`);
    parts.push(formatField(run, args.get(index, field), spec));
  }
  parts.push(text.slice(last));
  return run.join(parts, '');
}
