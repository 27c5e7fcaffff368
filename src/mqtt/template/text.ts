import { DateTime, isoText } from './datetime.ts';
import { TemplateError } from './errors.ts';
import { floatText, intText } from './numbers.ts';
import type { Run } from './run.ts';
import {
  describe,
  dictEntries,
  isDict,
  isFloat,
  isList,
  PyFloat,
  refuseUndefined,
  Tuple,
  Undefined,
} from './values.ts';

/** Python's `str(value)`, which is what an output prints. */
export function toText(run: Run, value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value instanceof Undefined) return '';
  return value instanceof DateTime ? isoText(value, ' ') : toRepr(run, value);
}

/** Python's `repr(value)`: texts are quoted. */
function toRepr(run: Run, value: unknown): string {
  if (typeof value === 'string') return quote(run, value);
  const scalar = scalarText(value, 'None', 'True', 'False');
  if (scalar !== undefined) return scalar;
  if (value === undefined || value instanceof Undefined) return 'Undefined';
  if (value instanceof DateTime) return isoText(value, ' ');
  if (isList(value)) {
    const items = run.nested(() => value.map((item) => toRepr(run, item)));
    const inside = run.join(items, ', ');
    if (value instanceof Tuple) return `(${inside}${items.length === 1 ? ',' : ''})`;
    return `[${inside}]`;
  }
  if (!isDict(value)) throw new TemplateError(`${describe(value)} can't be shown as text`);
  const entries = run.nested(() =>
    dictEntries(value).map(([key, item]) => `${toRepr(run, key)}: ${toRepr(run, item)}`),
  );
  return `{${run.join(entries, ', ')}}`;
}

function scalarText(value: unknown, none: string, yes: string, no: string): string | undefined {
  if (value === null) return none;
  if (typeof value === 'boolean') return value ? yes : no;
  if (value instanceof PyFloat) return floatText(value.value);
  if (typeof value !== 'number') return undefined;
  return isFloat(value) ? floatText(value) : intText(value);
}

const CONTROL_NAMES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function quote(run: Run, text: string): string {
  run.reserve(text.length);
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  // oxlint-disable-next-line no-control-regex -- control characters are what has to be shown as escapes
  const escaped = text.replaceAll(/[\\\u0000-\u001f\u007f]/g, (character) => {
    if (character === '\\') return '\\\\';
    const code = character.charCodeAt(0).toString(16).padStart(2, '0');
    return CONTROL_NAMES.get(character) ?? `\\x${code}`;
  });
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`;
}

export interface JsonStyle {
  /** Between entries: `, ` or `,`. */
  readonly comma: string;
  /** Between key and value: `: ` or `:`. */
  readonly colon: string;
  /** Spaces for each level; 0 puts everything on one line. */
  readonly indent: number;
  readonly sortKeys: boolean;
}

/** JSON text. Floats keep their point; keys that are no text become text as Python's json does it. */
export function toJson(run: Run, value: unknown, style: JsonStyle, level = 0): string {
  if (typeof value === 'string') {
    run.reserve(value.length);
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  const scalar = scalarText(value, 'null', 'true', 'false');
  if (scalar !== undefined) return scalar;
  if (value instanceof DateTime) return JSON.stringify(isoText(value));
  if (isList(value)) {
    const items = run.nested(() => value.map((item) => toJson(run, item, style, level + 1)));
    return enclose(run, '[', items, ']', style, level);
  }
  refuseUndefined(value);
  if (!isDict(value)) throw new TemplateError(`${describe(value)} can't be written as JSON`);
  const entries = dictEntries(value).map(([key, item]) => {
    return [typeof key === 'string' ? key : (scalarText(key, 'null', 'true', 'false') ?? ''), item] as const;
  });
  if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const parts = run.nested(() =>
    entries.map(
      ([key, item]) => `${JSON.stringify(key)}${style.colon}${toJson(run, item, style, level + 1)}`,
    ),
  );
  return enclose(run, '{', parts, '}', style, level);
}

function enclose(
  run: Run,
  open: string,
  parts: string[],
  close: string,
  style: JsonStyle,
  level: number,
): string {
  if (parts.length === 0) return `${open}${close}`;
  if (style.indent === 0) return `${open}${run.join(parts, style.comma)}${close}`;
  const outer = `\n${' '.repeat(style.indent * level)}`;
  const inner = `${outer}${' '.repeat(style.indent)}`;
  return `${open}${inner}${run.join(parts, `${style.comma.trimEnd()}${inner}`)}${outer}${close}`;
}
