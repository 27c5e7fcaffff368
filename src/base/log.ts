import type { DestinationStream, Logger } from 'pino';

import { pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Keys that must never reach a log, wherever they stand in a logged object (up to three levels deep: pino has no
 * recursive wildcard). A child logger must not pass its own `redact`: pino would replace this list with it.
 */
const SECRET_KEYS = [
  'authorization',
  'password',
  'token',
  'access_token',
  'refresh_token',
  'secret',
  'jwt_secret',
  'api_key',
  'passphrase',
  'pin',
  'pincode',
  'setup_code',
  'cookie',
  // As the code names them.
  'accessToken',
  'refreshToken',
  'jwtSecret',
  'apiKey',
  'adminPassword',
  'mqttPassword',
  'homekitPin',
  'setupCode',
];

export interface LogOptions {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  format: 'pretty' | 'json';
  /** Each line begins with its priority, as the journal of systemd takes it (`<4>` is a warning). Default false. */
  journal?: boolean;
  /** Where lines go; standard error unless a test says otherwise. */
  destination?: DestinationStream;
}

/** Makes the root logger. Everything but the `ready` line goes to standard error. */
export function createLogger(options: LogOptions): Logger {
  return makeLogger(options.level, { destination: openDestination(options) });
}

export interface LoggerParts {
  readonly destination: DestinationStream;
  /** Fields that every line gets where it does not have them itself. */
  readonly mixin?: () => object;
  /** Whether a message is to be written; by pino's number of its level, info being 30. */
  readonly isWanted?: (message: string, level: number) => boolean;
}

/** A logger that writes pino's JSON lines to `destination`. */
export function makeLogger(level: LogOptions['level'], parts: LoggerParts): Logger {
  const { destination, mixin, isWanted } = parts;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
      ...(mixin && { mixin, mixinMergeStrategy: (own: object, mixed: object) => ({ ...mixed, ...own }) }),
      ...(isWanted && {
        hooks: {
          logMethod(args, method, lineLevel) {
            const [first, second]: readonly unknown[] = args;
            const message = typeof first === 'string' ? first : second;
            if (typeof message !== 'string' || isWanted(message, lineLevel)) method.apply(this, args);
          },
        },
      }),
    },
    destination,
  );
}

/** Where lines go, in the form that was asked for. */
export function openDestination({ format, journal = false, destination }: LogOptions): DestinationStream {
  const out = destination ?? (format === 'pretty' ? onStderr() : pino.destination({ dest: 2, sync: true }));
  const priority = journal ? priorityOf : (): string => '';
  if (format === 'pretty') return { write: (line) => out.write(`${priority(line)}${prettyLine(line)}\n`) };
  return journal ? { write: (line) => out.write(priority(line) + line) } : out;
}

/** As everything else that a person at a terminal is told. */
function onStderr(): DestinationStream {
  return { write: (text: string): void => void process.stderr.write(text) };
}

/** See sd-daemon(3). */
const PRIORITY: Readonly<Record<string, string>> = {
  trace: '<7>',
  debug: '<7>',
  info: '<6>',
  warn: '<4>',
  error: '<3>',
  fatal: '<2>',
};

/** pino's lines begin with their level. */
function priorityOf(line: string): string {
  return PRIORITY[/^\{"level":"(\w+)"/.exec(line)?.[1] ?? ''] ?? '<6>';
}

/** A logger that writes nothing, for code under test. */
export const silentLogger: Logger = pino({ level: 'silent' });

const LEVEL_MARK: Record<string, string> = {
  trace: '·',
  debug: '·',
  info: ' ',
  warn: '!',
  error: '✗',
  fatal: '✗',
};

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Formats one pino JSON line for a person, as `12:03:44   part  sentence  key=value`; a line that is not JSON passes through unchanged. What comes from outside may
 * hold what a terminal obeys, or make up lines of its own.
 */
export function prettyLine(line: string): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trimEnd();
  }
  const { level, time, part, msg, ...rest } = record;
  const sentence = typeof msg === 'string' ? msg : '';
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const mark = LEVEL_MARK[String(level)] ?? ' ';
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${fieldText(key, value)}`);
  const source = typeof part === 'string' ? part : 'hub';
  const text = [clock, mark, source.padEnd(8), sentence, ...fields].join(' ').trimEnd();
  return text.replaceAll(CONTROL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function fieldText(key: string, value: unknown): string {
  if (key === 'err' && typeof value === 'object' && value !== null && 'message' in value) {
    return JSON.stringify(value.message);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
