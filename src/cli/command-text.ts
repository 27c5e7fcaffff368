export interface OptionText {
  /** As commander reads it: `-f, --follow`, `--days <n>`. */
  readonly flags: string;
  readonly text: string;
  /** What the option takes, where that is a short list. */
  readonly choices?: readonly string[];
}

export interface VerbText {
  /** As commander reads it: `run <name>`; optional words in square brackets. */
  readonly usage: string;
  readonly text: string;
  readonly options?: readonly OptionText[];
  /** What stands for `<kind>` and its like. */
  readonly choices?: readonly string[];
}

export interface CommandText {
  /** The name, and the words that may follow without a verb. */
  readonly usage: string;
  readonly text: string;
  /** More than the one line, for its own help. */
  readonly details?: string;
  readonly options?: readonly OptionText[];
  readonly verbs?: readonly VerbText[];
}
