import type { Pattern } from './regex.ts';
import type { Run } from './run.ts';

const THREADS_PER_STEP = 32;

export interface Match {
  readonly start: number;
  readonly end: number;
  /** The whole match, then the groups; undefined for a group that took no part. */
  readonly groups: readonly (string | undefined)[];
}

/** One way to match so far: the next instruction, and where the groups begin and end. */
interface Thread {
  readonly at: number;
  readonly slots: readonly number[];
}

/** All ways to match, best first, no instruction twice: that is what makes the time linear. */
class Threads {
  readonly list: Thread[] = [];
  readonly #seen = new Set<number>();
  readonly #pattern: Pattern;
  readonly #text: string;

  constructor(pattern: Pattern, text: string) {
    this.#pattern = pattern;
    this.#text = text;
  }

  clear(): void {
    this.list.length = 0;
    this.#seen.clear();
  }

  /** Adds a way, followed to the instructions that look at a character. Returns how many were passed. */
  add(start: Thread, place: number): number {
    const open = [start];
    let passed = 0;
    for (let thread = open.pop(); thread !== undefined; thread = open.pop()) {
      passed += 1;
      const { at, slots } = thread;
      if (this.#seen.has(at)) continue;
      this.#seen.add(at);
      const instruction = this.#pattern.program[at];
      switch (instruction?.op) {
        case 'jump':
          open.push({ at: instruction.to, slots });
          break;
        case 'split':
          open.push({ at: instruction.second, slots }, { at: instruction.first, slots });
          break;
        case 'save':
          open.push({ at: at + 1, slots: slots.with(instruction.slot, place) });
          break;
        case 'place':
          if (instruction.test(this.#text, place)) open.push({ at: at + 1, slots });
          break;
        default:
          this.list.push(thread);
      }
    }
    return passed;
  }
}

/** The leftmost match at `from` or, unless `anchored`, behind it; among those the one Python prefers. */
export function findMatch(
  run: Run,
  pattern: Pattern,
  text: string,
  from: number,
  anchored: boolean,
): Match | undefined {
  const noSlots = Array.from({ length: 2 * pattern.groupCount }, () => -1);
  let current = new Threads(pattern, text);
  let next = new Threads(pattern, text);
  let best: readonly number[] | undefined;
  let work = 0;
  for (let place = from; place <= text.length;) {
    if (best === undefined && (!anchored || place === from))
      work += current.add({ at: 0, slots: noSlots }, place);
    else if (current.list.length === 0) break;
    const code = text.codePointAt(place) ?? -1;
    const after = place + (code > 0xffff ? 2 : 1);
    for (const { at, slots } of current.list) {
      const instruction = pattern.program[at];
      if (instruction?.op === 'match') {
        best = slots;
        break;
      }
      if (instruction?.op === 'character' && code !== -1 && instruction.test(code))
        work += next.add({ at: at + 1, slots }, after);
    }
    work += current.list.length + 1;
    if (work >= THREADS_PER_STEP) {
      run.step(Math.floor(work / THREADS_PER_STEP));
      work %= THREADS_PER_STEP;
    }
    current.clear();
    [current, next] = [next, current];
    place = after;
  }
  return best && toMatch(text, best);
}

function toMatch(text: string, slots: readonly number[]): Match {
  const groups = Array.from({ length: slots.length / 2 }, (_, index) => {
    const [start = -1, end = -1] = slots.slice(2 * index, 2 * index + 2);
    return start === -1 || end === -1 ? undefined : text.slice(start, end);
  });
  return { start: slots[0] ?? 0, end: slots[1] ?? 0, groups };
}

/** All matches from left to right, none overlapping. */
export function* findMatches(run: Run, pattern: Pattern, text: string): Generator<Match> {
  let from = 0;
  while (from <= text.length) {
    run.step();
    const match = findMatch(run, pattern, text, from, false);
    if (match === undefined) return;
    yield match;
    from = match.end > match.start ? match.end : match.end + 1;
  }
}
