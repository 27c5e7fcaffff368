import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';

import { ODD_BYTES, ODD_JSON, ODD_NUMBERS, ODD_TEXTS } from './abuse-inputs.ts';

/** One operation of the hub's own OpenAPI document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Null where no body is read. */
  readonly body: Schema | null;
  /** A body that the operation takes, as the document shows it. */
  readonly example: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
  readonly example?: string;
}

type Schema = Readonly<Record<string, unknown>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface DocumentedOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: Schema; readonly example?: unknown };
    };
  };
}

/** A request as it goes over the wire. */
export interface HostileRequest {
  readonly method: string;
  /** Path and query, in ASCII. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

/** Stands in a path for an id that the hub has given for something at the path before it. */
export const SEEN = '@seen';

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content['application/json'].schema ?? null,
      example: operation.requestBody?.content['application/json'].example,
    })),
  );
}

const MAX_DEPTH = 6;
const MAX_TARGET = 12_000;

/** Makes requests for the operations of a document that are mostly near to what they take, and never quite. */
export class Abuser {
  readonly #schemas: Document['components']['schemas'];
  readonly #text: fc.Arbitrary<string>;
  readonly #userId: string;
  readonly #anything: fc.Arbitrary<unknown>;

  /**
   * @param known texts that mean something to this hub: ids, names, versions
   * @param userId of the user who sends the requests
   */
  constructor(document: Document, known: readonly string[], userId: string) {
    this.#userId = userId;
    this.#schemas = document.components.schemas;
    this.#text = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...known) },
      { weight: 3, arbitrary: fc.constantFrom(...ODD_TEXTS) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    );
    const number = fc.oneof(
      fc.constantFrom(...ODD_NUMBERS),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const scalar = fc.oneof(this.#text, number, fc.boolean(), fc.constant(null));
    const key = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'id', 'content', 'name', ''),
      this.#text,
    );
    this.#anything = fc.oneof(
      { weight: 4, arbitrary: scalar },
      { weight: 1, arbitrary: fc.array(scalar, { maxLength: 5 }) },
      { weight: 1, arbitrary: fc.array(fc.tuple(key, scalar), { maxLength: 4 }).map(Object.fromEntries) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          nested(30),
          nested(70),
          Array.from({ length: 2000 }, () => null),
        ),
      },
    );
  }

  requestFor(operation: Operation): fc.Arbitrary<HostileRequest> {
    return fc
      .record({
        path: this.#path(operation),
        query: this.#query(operation),
        headers: this.#headers(),
        body:
          operation.body === null ? this.#unexpectedBody() : this.#body(operation.body, operation.example),
      })
      .map(({ path, query, headers, body }) => ({
        method: operation.method,
        target: `${path}${query}`.slice(0, MAX_TARGET),
        headers: { ...headers, ...body?.headers },
        body: body?.bytes ?? null,
      }));
  }

  #path(operation: Operation): fc.Arbitrary<string> {
    const examples = new Map(operation.parameters.map(({ name, example }) => [`{${name}}`, example]));
    const segments = operation.path.split(/(\{\w+\})/).map((part) => {
      if (!part.startsWith('{')) return fc.constant(part);
      const example = examples.get(part);
      const text = example === undefined ? this.#text : fc.oneof(fc.constant(example), this.#text);
      return fc.oneof(
        { weight: 10, arbitrary: text.map(percentEncoded) },
        { weight: 4, arbitrary: fc.constant(SEEN) },
        {
          weight: 1,
          arbitrary: fc.constantFrom('%', '%zz', '%c0%80', '%ff', '%2e%2e', '..', '%2F', 'a%2Fb', ''),
        },
      );
    });
    return fc.tuple(...segments).map((parts) => parts.join(''));
  }

  #query(operation: Operation): fc.Arbitrary<string> {
    const declared = operation.parameters.filter((parameter) => parameter.in === 'query');
    const pairs = declared.map(({ name, schema, required }) =>
      maybe(
        fc
          .oneof(this.#value(schema, 1).map(asText), this.#text)
          .map((value) => `${name}=${percentEncoded(value)}`),
        required ? [6, 1] : [1, 2],
      ),
    );
    const stray = maybe(
      fc.constantFrom('__proto__=1', 'limit=1&limit=2', 'cursor=%', '&&&=', 'at=never', '%ff=%ff', 'a[b]=c'),
      [1, 9],
    );
    return fc.tuple(stray, ...pairs).map((parts) => {
      const present = parts.filter((part) => part !== null);
      return present.length === 0 ? '' : `?${present.join('&')}`;
    });
  }

  #headers(): fc.Arbitrary<Record<string, string>> {
    const sometimes = (...values: string[]) => maybe(fc.constantFrom(...values), [1, 9]);
    return fc
      .record({
        'accept-encoding': sometimes('gzip', 'br;q=0', '*;q=9', ','.repeat(200), 'zstd, zstd'),
        'if-match': sometimes('*', '""', 'W/"x"', '"'.repeat(50), 'x, y, z'),
        'if-none-match': sometimes('*', '""', ','.repeat(300)),
        'content-type': sometimes(
          'text/plain',
          'application/json; charset=utf-16',
          'multipart/form-data',
          '',
        ),
        'x-request-id': sometimes('<script>', 'x'.repeat(500)),
        accept: sometimes('text/html', '*/*;q=x'),
      })
      .map((headers) =>
        Object.fromEntries(
          Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== null),
        ),
      );
  }

  #unexpectedBody(): fc.Arbitrary<Body | null> {
    return maybe(
      fc.constantFrom(...ODD_JSON).map((text) => ({ bytes: Buffer.from(text), headers: {} })),
      [1, 9],
    );
  }

  #body(schema: Schema, example: unknown): fc.Arbitrary<Body | null> {
    const value = this.#value(schema, 0);
    const near = (example === undefined ? value : fc.oneof(value, this.#spoilt(example))).map((one) =>
      Buffer.from(JSON.stringify(one) ?? ''),
    );
    const cut = fc.tuple(near, fc.nat(200)).map(([bytes, at]) => bytes.subarray(0, at));
    const plain = (arbitrary: fc.Arbitrary<Buffer>): fc.Arbitrary<Body> =>
      arbitrary.map((bytes) => ({ bytes, headers: {} }));
    return fc.oneof(
      { weight: 16, arbitrary: plain(near) },
      { weight: 1, arbitrary: plain(cut) },
      { weight: 2, arbitrary: plain(fc.constantFrom(...ODD_JSON).map((text) => Buffer.from(text))) },
      { weight: 1, arbitrary: plain(fc.constantFrom(...ODD_BYTES)) },
      {
        weight: 1,
        arbitrary: near.map((bytes) => ({ bytes: gzipSync(bytes), headers: { 'content-encoding': 'gzip' } })),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(near, fc.constantFrom('gzip', 'zstd', 'br', 'compress', 'gzip, gzip'))
          .map(([bytes, encoding]) => ({ bytes, headers: { 'content-encoding': encoding } })),
      },
      { weight: 1, arbitrary: fc.constant(null) },
    );
  }

  /** A value of the schema, any part of which may be something else. */
  #value(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    if (depth > MAX_DEPTH) return this.#anything;
    return fc.oneof(
      { weight: depth === 0 ? 30 : 12, arbitrary: this.#faithful(schema, depth) },
      { weight: 1, arbitrary: this.#anything },
    );
  }

  /** The example with a part that is something else, or missing, or nothing wrong at all. */
  #spoilt(example: unknown): fc.Arbitrary<unknown> {
    if (Array.isArray(example)) {
      const items = example.map((item) => this.#spoilt(item));
      return fc.oneof(
        { weight: 15, arbitrary: fc.tuple(...items) },
        { weight: 1, arbitrary: this.#anything },
      );
    }
    if (typeof example !== 'object' || example === null) {
      return fc.oneof(
        { weight: 8, arbitrary: fc.constant(example) },
        { weight: 1, arbitrary: this.#anything },
      );
    }
    const members = Object.entries(example).map(([name, member]) =>
      maybe(
        (name === 'user_id' ? fc.constantFrom(this.#userId, member) : this.#spoilt(member)).map(
          (value) => [name, value] as const,
        ),
        [15, 1],
      ),
    );
    return fc
      .tuple(...members)
      .map((pairs) => Object.fromEntries(pairs.filter((pair) => pair !== null)) as unknown);
  }

  #faithful(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    if (typeof schema['$ref'] === 'string') {
      const named = this.#schemas[schema['$ref'].split('/').at(-1) ?? ''];
      return named ? this.#value(named, depth + 1) : this.#anything;
    }
    if ('const' in schema) return fc.constant(schema['const']);
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
    for (const choice of ['anyOf', 'oneOf', 'allOf']) {
      const options = schema[choice];
      if (Array.isArray(options))
        return fc.oneof(...options.map((one) => this.#value(one as Schema, depth + 1)));
    }
    switch (schema['type']) {
      case 'string':
        return this.#text;
      case 'integer':
      case 'number':
        return fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(...ODD_NUMBERS));
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(this.#value(asSchema(schema['items']), depth + 1), { maxLength: 3 });
      case 'object':
        return this.#object(schema, depth);
      default:
        return this.#anything;
    }
  }

  #object(schema: Schema, depth: number): fc.Arbitrary<unknown> {
    const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
    const members = Object.entries(asSchema(schema['properties'])).map(([name, property]) =>
      maybe(
        this.#value(asSchema(property), depth + 1).map((value) => [name, value] as const),
        required.includes(name) ? [30, 1] : [1, 1],
      ),
    );
    const stray = maybe(
      fc.tuple(fc.constantFrom('__proto__', 'constructor', 'id', 'x'), this.#anything),
      schema['additionalProperties'] === false ? [1, 15] : [1, 3],
    );
    // Object.fromEntries makes a key of its own out of __proto__, and so does the JSON of it.
    return fc
      .tuple(stray, ...members)
      .map((pairs) => Object.fromEntries(pairs.filter((pair) => pair !== null)) as unknown);
  }
}

interface Body {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** The value in `present` cases, null in `absent` ones. */
function maybe<T>(
  arbitrary: fc.Arbitrary<T>,
  [present, absent]: readonly [number, number],
): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: present, arbitrary }, { weight: absent, arbitrary: fc.constant(null) });
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { a: value };
  return value;
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Unlike encodeURIComponent it takes half a surrogate pair, as the three bytes that it would be. */
function percentEncoded(text: string): string {
  return Array.from(text, (character) => {
    if (/^[\w.~-]$/.test(character)) return character;
    const unit = character.charCodeAt(0);
    const half = character.length === 1 && unit >= 0xd800 && unit <= 0xdfff;
    const bytes = half
      ? [0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]
      : [...Buffer.from(character)];
    return bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  }).join('');
}
