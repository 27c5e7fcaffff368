import { TemplateError } from './errors.ts';
import { CharacterReader, type CharacterTest } from './regex-characters.ts';

const MAX_PATTERN_LENGTH = 512;
const MAX_REPEAT = 1000;
const MAX_PROGRAM_LENGTH = 4000;
const MAX_DEPTH = 50;

/** Whether a place in the text is such a one: its beginning, its end, the edge of a word. */
export type PlaceTest = (text: string, at: number) => boolean;

export type Instruction =
  | { readonly op: 'character'; readonly test: CharacterTest }
  | { readonly op: 'place'; readonly test: PlaceTest }
  /** Both ways are tried; the first is preferred. */
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  /** Notes where a group begins (even) or ends (odd). */
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

/** A regular expression as a program for `regex-match.ts`. */
export interface Pattern {
  readonly program: readonly Instruction[];
  /** Groups by their name; group 0 is the whole match. */
  readonly names: ReadonlyMap<string, number>;
  readonly groupCount: number;
}

type Node =
  | { readonly type: 'character'; readonly test: CharacterTest }
  | { readonly type: 'place'; readonly test: PlaceTest }
  | { readonly type: 'sequence' | 'choice'; readonly items: readonly Node[] }
  | { readonly type: 'group'; readonly item: Node; readonly index: number }
  | {
      readonly type: 'repeat';
      readonly item: Node;
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
    };

/**
 * Compiles a Python pattern. JavaScript's own engine is not used, because nothing can interrupt it: thirty question
 * marks in a row hold up the process for minutes. This one needs time linear in the text for any pattern; in exchange
 * it knows no look-around and no references to groups.
 */
export function compilePattern(source: string, ignoreCase: boolean): Pattern {
  if (source.length > MAX_PATTERN_LENGTH)
    throw new TemplateError(`A regular expression is longer than ${MAX_PATTERN_LENGTH} characters`);
  const flags = /^\(\?([aimsu]+)\)/.exec(source);
  const parser = new PatternParser(source.slice(flags?.[0].length ?? 0), {
    ignoreCase: ignoreCase || (flags?.[1]?.includes('i') ?? false),
    multiline: flags?.[1]?.includes('m') ?? false,
    dotAll: flags?.[1]?.includes('s') ?? false,
  });
  const program: Instruction[] = [];
  emit({ type: 'group', item: parser.parseAll(), index: 0 }, program);
  program.push({ op: 'match' });
  return { program, names: parser.names, groupCount: parser.groupCount };
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

class PatternParser {
  readonly names = new Map<string, number>();
  groupCount = 1;
  readonly #source: string;
  readonly #flags: Flags;
  readonly #characters: CharacterReader;
  #at = 0;
  #depth = 0;

  constructor(source: string, flags: Flags) {
    this.#source = source;
    this.#flags = flags;
    this.#characters = new CharacterReader(source, flags.ignoreCase);
  }

  parseAll(): Node {
    const node = this.#parseChoice();
    if (this.#at < this.#source.length)
      throw new TemplateError('A regular expression closes a group that is not open');
    return node;
  }

  #skip(text: string): boolean {
    const found = this.#source.startsWith(text, this.#at);
    if (found) this.#at += text.length;
    return found;
  }

  #parseChoice(): Node {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new TemplateError('A regular expression nests too deeply');
    const items = [this.#parseSequence()];
    while (this.#skip('|')) items.push(this.#parseSequence());
    this.#depth -= 1;
    return { type: 'choice', items };
  }

  #parseSequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? ''))
      items.push(this.#parseRepeat(this.#parseAtom()));
    return { type: 'sequence', items };
  }

  #parseAtom(): Node {
    if (this.#skip('(')) return this.#parseGroup();
    if (this.#skip('^')) return { type: 'place', test: this.#flags.multiline ? isLineStart : isStart };
    if (this.#skip('$')) return { type: 'place', test: this.#flags.multiline ? isLineEnd : isEnd };
    if (this.#skip('\\A')) return { type: 'place', test: isStart };
    if (this.#skip('\\Z')) return { type: 'place', test: (text, at) => at === text.length };
    if (this.#skip('\\b')) return { type: 'place', test: isWordEdge };
    if (this.#skip('\\B')) return { type: 'place', test: (text, at) => !isWordEdge(text, at) };
    if (this.#skip('.')) {
      const { dotAll } = this.#flags;
      return { type: 'character', test: (code) => dotAll || code !== 10 };
    }
    if (this.#readQuantifier() !== undefined)
      throw new TemplateError('A regular expression repeats something that can not be repeated');
    const { test, end } = this.#characters.read(this.#at);
    this.#at = end;
    return { type: 'character', test };
  }

  #parseGroup(): Node {
    const name = /^\?P<([\p{L}_]\w*)>/u.exec(this.#source.slice(this.#at));
    const isCapturing = name !== null || this.#source[this.#at] !== '?';
    const index = isCapturing ? this.groupCount : undefined;
    if (index !== undefined) this.groupCount += 1;
    if (name !== null) {
      this.#at += name[0].length;
      this.names.set(name[1] ?? '', index ?? 0);
    } else if (!isCapturing && !this.#skip('?:')) {
      throw new TemplateError(
        'Of the groups of regular expressions only (…), (?:…) and (?P<name>…) are supported',
      );
    }
    const item = this.#parseChoice();
    if (!this.#skip(')')) throw new TemplateError('A group of a regular expression is not closed');
    return index === undefined ? item : { type: 'group', item, index };
  }

  #parseRepeat(item: Node): Node {
    const bounds = this.#readQuantifier();
    if (bounds === undefined) return item;
    const greedy = !this.#skip('?');
    if (this.#source[this.#at] === '+' || this.#readQuantifier() !== undefined)
      throw new TemplateError(
        'A regular expression repeats a repeat; a group around the first one is missing',
      );
    if (Math.max(bounds.min, Number.isFinite(bounds.max) ? bounds.max : 0) > MAX_REPEAT)
      throw new TemplateError(`A regular expression repeats something more than ${MAX_REPEAT} times`);
    return { type: 'repeat', item, ...bounds, greedy };
  }

  /** `*`, `+`, `?` or `{2,5}`; a brace that is none of these is an ordinary character. */
  #readQuantifier(): { readonly min: number; readonly max: number } | undefined {
    if (this.#skip('*')) return { min: 0, max: Infinity };
    if (this.#skip('+')) return { min: 1, max: Infinity };
    if (this.#skip('?')) return { min: 0, max: 1 };
    const braces = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 20));
    if (braces === null || braces[0] === '{}') return undefined;
    this.#at += braces[0].length;
    const min = Number(braces[1]);
    const max = braces[2] === undefined ? min : braces[3] === '' ? Infinity : Number(braces[3]);
    if (max < min) throw new TemplateError(`"${braces[0]}" in a regular expression ends before it begins`);
    return { min, max };
  }
}

const isStart: PlaceTest = (_, at) => at === 0;
const isLineStart: PlaceTest = (text, at) => at === 0 || text[at - 1] === '\n';
const isLineEnd: PlaceTest = (text, at) => at === text.length || text[at] === '\n';
const isEnd: PlaceTest = (text, at) => at === text.length || (at === text.length - 1 && text[at] === '\n');

function isWordEdge(text: string, at: number): boolean {
  const isWord = (place: number): boolean => /[\p{L}\p{N}_]/u.test(text[place] ?? '');
  return isWord(at - 1) !== isWord(at);
}

function push(instruction: Instruction, program: Instruction[]): number {
  if (program.length >= MAX_PROGRAM_LENGTH) throw new TemplateError('A regular expression is too large');
  return program.push(instruction) - 1;
}

/** Appends what matches `node` and then goes on behind it. */
function emit(node: Node, program: Instruction[]): void {
  switch (node.type) {
    case 'character':
      push({ op: 'character', test: node.test }, program);
      return;
    case 'place':
      push({ op: 'place', test: node.test }, program);
      return;
    case 'sequence':
      for (const item of node.items) emit(item, program);
      return;
    case 'group':
      push({ op: 'save', slot: 2 * node.index }, program);
      emit(node.item, program);
      push({ op: 'save', slot: 2 * node.index + 1 }, program);
      return;
    case 'choice':
      emitChoice(node.items, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
  }
}

function emitChoice(items: readonly Node[], program: Instruction[]): void {
  const jumps: number[] = [];
  for (const [index, item] of items.entries()) {
    if (index === items.length - 1) {
      emit(item, program);
      continue;
    }
    const split = push({ op: 'jump', to: 0 }, program);
    emit(item, program);
    jumps.push(push({ op: 'jump', to: 0 }, program));
    program[split] = { op: 'split', first: split + 1, second: program.length };
  }
  for (const jump of jumps) program[jump] = { op: 'jump', to: program.length };
}

function emitRepeat(node: Node & { type: 'repeat' }, program: Instruction[]): void {
  const toSplit = (into: number, out: number): Instruction =>
    node.greedy ? { op: 'split', first: into, second: out } : { op: 'split', first: out, second: into };
  for (let count = 0; count < node.min; count += 1) emit(node.item, program);
  if (node.max === Infinity) {
    const split = push({ op: 'jump', to: 0 }, program);
    emit(node.item, program);
    push({ op: 'jump', to: split }, program);
    program[split] = toSplit(split + 1, program.length);
    return;
  }
  const splits: number[] = [];
  for (let count = node.min; count < node.max; count += 1) {
    splits.push(push({ op: 'jump', to: 0 }, program));
    emit(node.item, program);
  }
  for (const split of splits) program[split] = toSplit(split + 1, program.length);
}
