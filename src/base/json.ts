import { HubError } from './errors.ts';

/** A JSON object as it comes out of the parser. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deeper input than this is refused before it is parsed: recursive code downstream would overflow the stack. */
export const MAX_JSON_DEPTH = 64;

/**
 * Input with more values than this is refused before it is parsed: ten megabytes of `{},{},…` take hundreds of
 * megabytes once parsed, and would end the process on a small heap. A full sync of 1000 changes has some 20,000.
 */
export const MAX_JSON_VALUES = 250_000;

/**
 * Parses JSON that comes from outside.
 * @throws HubError `invalid` when it is not JSON or is nested more than `maxDepth` deep, `too_large` when it holds more
 * than MAX_JSON_VALUES values.
 */
export function parseJson(text: string, maxDepth = MAX_JSON_DEPTH): unknown {
  checkShape(text, maxDepth);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HubError('invalid', `That is not valid JSON: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
}

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;

/** Looks at the nesting and the number of values of a JSON text without parsing it. */
function checkShape(text: string, maxDepth: number): void {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COMMA) values += 1;
    else if (code === 123 || code === 91) {
      depth += 1;
      values += 1;
      if (depth > maxDepth) {
        throw new HubError('invalid', `The JSON is nested more than ${maxDepth} levels deep.`);
      }
    } else if (code === 125 || code === 93) depth -= 1;
    if (values > MAX_JSON_VALUES) {
      throw new HubError(
        'too_large',
        `The JSON holds more than ${MAX_JSON_VALUES} values. Send it in parts.`,
      );
    }
  }
}

/** Where the string that begins at `start` has its closing quote; the end of the text where it has none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** Deep equality of JSON values; the order of keys does not matter. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => jsonEqual(item, b[index]));
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key]));
}
