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

/** Prints a value that may hold finished JSON texts. */
export function toJsonText(value: JsonParts): string {
  if (value instanceof JsonText) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toJsonText).join(',')}]`;
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : [`${JSON.stringify(key)}:${toJsonText(member)}`],
  );
  return `{${members.join(',')}}`;
}

function isList(value: object): value is readonly JsonParts[] {
  return Array.isArray(value);
}
