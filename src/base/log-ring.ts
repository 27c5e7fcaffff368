import type { JsonObject } from './json.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const MAX_LINES = 2000;
/** Two thousand usual lines have a third of this. */
const MAX_CHARACTERS = 1024 * 1024;
/** Of a longer line only what it is about is kept. */
const MAX_LINE_CHARACTERS = 16 * 1024;

export interface LogQuery {
  /** Of this level or a graver one. */
  readonly level?: LogLevel | undefined;
  /** What the part of the hub calls itself in its lines: `mqtt`, `http` … */
  readonly part?: string | undefined;
  /** Text that is in the line somewhere, in upper or lower case. */
  readonly text?: string | undefined;
  /** Lines after this number only. */
  readonly afterSeq?: number | undefined;
  /** The newest so many. */
  readonly limit: number;
}

/** A line with the number that it has since the hub was started, and all its fields. */
export interface LogEntry {
  readonly seq: number;
  readonly line: JsonObject;
}

interface Kept {
  readonly seq: number;
  readonly text: string;
}

/** The last lines of the log, as they were written: what is left out of the log as a secret is not in here either. */
export class LogRing {
  #lines: Kept[] = [];
  /** Where the oldest line stands: what is before it was given up. */
  #first = 0;
  #characters = 0;
  #seq = 0;

  /** The number of the newest line; 0 before the first. */
  get lastSeq(): number {
    return this.#seq;
  }

  /** @param line one JSON text, as pino writes it. */
  add(line: string): void {
    this.#seq += 1;
    const text = line.length > MAX_LINE_CHARACTERS ? shortened(line) : line;
    this.#lines.push({ seq: this.#seq, text });
    this.#characters += text.length;
    while (this.#lines.length - this.#first > MAX_LINES || this.#characters > MAX_CHARACTERS) {
      this.#characters -= this.#lines[this.#first]?.text.length ?? 0;
      this.#first += 1;
    }
    if (this.#first >= MAX_LINES) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The newest lines that were asked for, the oldest of them first. */
  find({ level, part, text, afterSeq = 0, limit }: LogQuery): LogEntry[] {
    const found: LogEntry[] = [];
    const grave = level === undefined ? 0 : LOG_LEVELS.indexOf(level);
    const wanted = text?.toLowerCase();
    for (let n = this.#lines.length - 1; n >= this.#first && found.length < limit; n -= 1) {
      const kept = this.#lines[n];
      if (kept === undefined || kept.seq <= afterSeq) break;
      if (wanted !== undefined && !kept.text.toLowerCase().includes(wanted)) continue;
      const line = JSON.parse(kept.text) as JsonObject;
      if (LOG_LEVELS.indexOf(line['level'] as LogLevel) < grave) continue;
      if (part !== undefined && line['part'] !== part) continue;
      found.push({ seq: kept.seq, line });
    }
    return found.reverse();
  }
}

function shortened(text: string): string {
  const { level, time, part, request_id, msg } = JSON.parse(text) as JsonObject;
  const sentence = typeof msg === 'string' ? msg.slice(0, 1000) : msg;
  return JSON.stringify({ level, time, part, request_id, msg: sentence, left_out_characters: text.length });
}
