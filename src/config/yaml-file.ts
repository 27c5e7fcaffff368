import { createRequire } from 'node:module';

import { errorText } from '../base/errors.ts';
import { KEY_NAMES, KEYS, findKey, writableNames, type AnyKeySpec } from './keys.ts';
import { nearestName } from './nearest.ts';
import { acceptedText, unknownName, type Reading, type Setting } from './sources.ts';

import type { ConfigProblem } from './errors.ts';
import type * as Yaml from 'yaml';

/** A plain scalar that says nothing: the key keeps its default, as `key:` with nothing after it does. */
const NOTHING = new Set(['', '~', 'null', 'Null', 'NULL']);

/** What a person reads for the parser's codes; its own messages quote the text, which may be a password. */
const FAULTS: Readonly<Partial<Record<Yaml.ErrorCode, string>>> = {
  BAD_DQ_ESCAPE: 'a backslash that double quotes do not know',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a value that begins with a character that needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'two keys on one line',
  DUPLICATE_KEY: 'a key that is written twice',
  MISSING_CHAR: 'a missing character, such as a closing quote or the : after a key',
  MULTILINE_IMPLICIT_KEY: 'a line without the : after a key',
  MULTIPLE_DOCS: 'a second document (---)',
  RESOURCE_EXHAUSTION: 'nesting that is too deep',
  TAB_AS_INDENT: 'a tab as indentation',
  TAG_RESOLVE_FAILED: 'a !tag that the hub does not know',
};

/**
 * Reads the keys out of a YAML 1.2 text. Numbers and switches come as the text that was written. Aliases are refused
 * and only what a key expects is walked, so that neither deep nesting nor aliases of aliases can blow it up.
 *
 * @param path for the messages
 */
export function readYaml(text: string, path: string): Reading {
  // Loaded on demand: the library is 9 MB of memory that a hub without a file does not need.
  const yaml = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lines = new yaml.LineCounter();
  let document: Yaml.Document.Parsed;
  try {
    // Pretty errors quote the line, which may hold a password.
    document = yaml.parseDocument(text, { schema: 'failsafe', prettyErrors: false, lineCounter: lines });
  } catch (error) {
    return { settings: [], problems: [notYaml(path, `what YAML cannot express (${errorText(error)})`)] };
  }
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map((fault) =>
      notYaml(
        `${path}, line ${lines.linePos(fault.pos[0]).line}`,
        FAULTS[fault.code] ?? `something that is not YAML (${fault.code})`,
      ),
    );
    return { settings: [], problems };
  }
  return new YamlWalk(yaml, document, (offset) => `${path}, line ${lines.linePos(offset).line}`).read();
}

class YamlWalk {
  readonly #yaml: typeof Yaml;
  readonly #document: Yaml.Document.Parsed;
  readonly #place: (offset: number) => string;
  readonly #settings: Setting[] = [];
  readonly #problems: ConfigProblem[] = [];
  readonly #names = new Set<string>();

  constructor(yaml: typeof Yaml, document: Yaml.Document.Parsed, place: (offset: number) => string) {
    this.#yaml = yaml;
    this.#document = document;
    this.#place = place;
  }

  read(): Reading {
    const root = this.#document.contents;
    if (root !== null && !this.#isNothing(root)) this.#readSection('', root, 0);
    return { settings: this.#settings, problems: this.#problems };
  }

  /** `prefix` is empty or ends in a dot. */
  #readSection(prefix: string, node: unknown, offset: number): void {
    if (!this.#yaml.isMap(node)) {
      const keys = childNames(prefix).join(', ');
      this.#refuse(prefix.slice(0, -1) || 'the file', offset, this.#shape(node), `a section with ${keys}`);
      return;
    }
    for (const { key, value } of node.items) {
      const keyOffset = this.#offsetOf(key) ?? offset;
      const name = prefix + (this.#yaml.isScalar(key) ? String(key.value) : '?');
      this.#readItem(name, value, this.#offsetOf(value) ?? keyOffset, keyOffset);
    }
  }

  #readItem(name: string, value: unknown, valueOffset: number, keyOffset: number): void {
    if (childNames(`${name}.`).length > 0) {
      if (!this.#isNothing(value)) this.#readSection(`${name}.`, value, keyOffset);
      return;
    }
    const found = findKey(name);
    if (found === undefined) {
      const nearest = nearestName(name, [...writableNames(), ...SECTIONS]);
      this.#problems.push(unknownName(name, this.#place(keyOffset), nearest));
      return;
    }
    // The parser sees `http.port:` and `port:` below `http:` as two keys.
    if (this.#names.has(name)) this.#refuse(name, keyOffset, 'a key that is written twice', 'one value');
    this.#names.add(name);
    if (this.#isNothing(value)) return;
    const raw = this.#textOf(value);
    const isList = Array.isArray(raw) && (KEYS[found.key] as AnyKeySpec).kind === 'list';
    if (typeof raw === 'string' || isList) {
      this.#settings.push({ ...found, raw, source: this.#place(valueOffset) });
    } else {
      this.#refuse(name, valueOffset, this.#shape(value), acceptedText(found.key, found.asFile));
    }
  }

  #textOf(node: unknown): string | string[] | null {
    if (this.#yaml.isScalar(node)) return String(node.value).replace(/\r?\n$/, '');
    if (!this.#yaml.isSeq(node)) return null;
    const scalars = node.items.filter((item) => this.#yaml.isScalar(item));
    return scalars.length === node.items.length ? scalars.map((item) => String(item.value)) : null;
  }

  #isNothing(node: unknown): boolean {
    if (node === null || node === undefined) return true;
    return this.#yaml.isScalar(node) && node.type === 'PLAIN' && NOTHING.has(String(node.value));
  }

  #shape(node: unknown): string {
    if (this.#yaml.isMap(node)) return 'a section';
    if (this.#yaml.isAlias(node)) return 'an alias (*), which the hub does not follow';
    return this.#yaml.isSeq(node) ? 'a list' : 'a single value';
  }

  #offsetOf(node: unknown): number | undefined {
    return this.#yaml.isNode(node) ? node.range?.[0] : undefined;
  }

  #refuse(key: string, offset: number, found: string, accepted: string): void {
    this.#problems.push({ key, source: this.#place(offset), found, accepted, nearest: null });
  }
}

/** `http` and `http.tls`, for hints. */
const SECTIONS = KEY_NAMES.flatMap((key) => {
  const parts = key.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
});

/** The names that may stand in a section; none when there is no such section. */
function childNames(prefix: string): string[] {
  const children = KEY_NAMES.filter((key) => key.startsWith(prefix)).map(
    (key) => key.slice(prefix.length).split('.')[0] ?? '',
  );
  return [...new Set(children)];
}

function notYaml(source: string, found: string): ConfigProblem {
  return { key: 'the file', source, found, accepted: 'YAML as in config/hub.example.yaml', nearest: null };
}
