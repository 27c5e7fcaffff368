import { integerArgument, textArgument } from './convert.ts';
import { findMatch, findMatches, type Match } from './regex-match.ts';
import { compilePattern, type Pattern } from './regex.ts';
import type { Args, Run } from './run.ts';
import { toText } from './text.ts';
import { isTruthy, Tuple, Undefined } from './values.ts';

const INSTRUCTIONS_PER_STEP = 16;

/** The pattern, `find`, is the first argument everywhere; the place of `ignorecase` differs. */
function readPattern(run: Run, args: Args, ignoreCaseIndex: number): Pattern {
  const ignoreCase = isTruthy(args.get(ignoreCaseIndex, 'ignorecase'));
  const pattern = compilePattern(textArgument(run, args, 0, 'find', ''), ignoreCase);
  run.step(Math.ceil(pattern.program.length / INSTRUCTIONS_PER_STEP));
  return pattern;
}

/** Python's `re.match` (from the beginning) or `re.search` as a truth value. Arguments: find, ignorecase. */
export function matchRegex(run: Run, input: unknown, args: Args, fromStart: boolean): boolean {
  return findMatch(run, readPattern(run, args, 1), toText(run, input), 0, fromStart) !== undefined;
}

/** Python's `re.findall`: whole matches, or the group, or tuples of groups. */
export function findAll(run: Run, input: unknown, args: Args): unknown[] {
  return collect(run, readPattern(run, args, 1), toText(run, input));
}

function collect(run: Run, pattern: Pattern, subject: string): unknown[] {
  return Array.from(findMatches(run, pattern, subject), (match) => {
    const groups = match.groups.slice(1).map((group) => group ?? '');
    if (groups.length > 1) return Tuple.fromItems(groups);
    return groups.length === 1 ? groups[0] : match.groups[0];
  });
}

/** `regex_findall_index(find, index, ignorecase)`. */
export function findAtIndex(run: Run, input: unknown, args: Args): unknown {
  const found = collect(run, readPattern(run, args, 2), toText(run, input));
  const item = found.at(integerArgument(args, 1, 'index', 0));
  return item ?? new Undefined('The regular expression has no such match');
}

/** Python's `re.sub`, with `\1` and `\g<name>` in the replacement. Arguments: find, replace, ignorecase. */
export function replaceRegex(run: Run, input: unknown, args: Args): string {
  const pattern = readPattern(run, args, 2);
  const replacement = textArgument(run, args, 1, 'replace', '');
  const escapes = replacement.split('\\').length - 1;
  const subject = toText(run, input);
  const parts: string[] = [];
  let last = 0;
  for (const match of findMatches(run, pattern, subject)) {
    run.reserve(replacement.length + escapes * (match.end - match.start));
    parts.push(subject.slice(last, match.start), expand(replacement, match, pattern));
    last = match.end;
  }
  parts.push(subject.slice(last));
  return run.join(parts, '');
}

function expand(replacement: string, match: Match, pattern: Pattern): string {
  if (!replacement.includes('\\')) return replacement;
  return replacement.replaceAll(/\\(?:g<(\w+)>|(\d{1,2})|([^]))/g, (written, group, digits, other) => {
    const name = (group ?? digits) as string | undefined;
    if (name === undefined) return other === 'n' ? '\n' : other === '\\' ? '\\' : written;
    return match.groups[/^\d+$/.test(name) ? Number(name) : (pattern.names.get(name) ?? -1)] ?? '';
  });
}
