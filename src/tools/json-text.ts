/** A JSON text that goes into another as it is: stored contents are not parsed to be printed again. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What becomes JSON; members that are undefined are left out. */
export type JsonParts =
  | JsonText
  | string
  | number
  | boolean
  | null
  | readonly JsonParts[]
  | { readonly [key: string]: JsonParts | undefined };

/** Prints a value that may hold finished JSON texts. @throws TypeError for what JSON has no text for, as a function. */
export function toJsonText(value: JsonParts): string {
  if (value instanceof JsonText) return value.text;
  if (typeof value !== 'object' || value === null) return textOf(value);
  if (isList(value)) return `[${value.map(toJsonText).join(',')}]`;
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : [`${JSON.stringify(key)}:${toJsonText(member)}`],
  );
  return `{${members.join(',')}}`;
}

/** `JSON.stringify` gives undefined for some values, which would get into the answer as the word. */
function textOf(value: unknown): string {
  const text: unknown = JSON.stringify(value);
  if (typeof text !== 'string') throw new TypeError(`JSON has no text for a ${typeof value}`);
  return text;
}

function isList(value: object): value is readonly JsonParts[] {
  return Array.isArray(value);
}
