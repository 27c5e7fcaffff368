/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** The key as it was written: `http.port`, or the unknown name. */
  readonly key: string;
  /** Where it came from: a file and line, a variable of the environment, a flag. */
  readonly source: string;
  /** What was found there. Never the value of a secret, nor of an unknown key, which could be a misspelt secret. */
  readonly found: string;
  /** What is accepted instead, or what to do. */
  readonly accepted: string;
  /** The nearest known name of the same source, for an unknown one. */
  readonly nearest: string | null;
}

/** The hub must not start: all that is wrong with its configuration, at once. The process exits with 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super([`The configuration has ${count}:`, ...problems.map(problemText)].join('\n'));
    this.problems = problems;
  }
}

function problemText(problem: ConfigProblem): string {
  const hint = problem.nearest === null ? '' : `\n      Did you mean ${problem.nearest}?`;
  const head = `${printable(problem.key)} (${printable(problem.source)})`;
  return `  ${head}\n      found ${problem.found}; accepted: ${problem.accepted}.${hint}`;
}

/** Names come from outside, and this goes to a terminal, which obeys control characters. */
function printable(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, '?').slice(0, 300);
}
