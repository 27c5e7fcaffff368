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
  /** Where lines go; standard error unless a test says otherwise. */
  destination?: DestinationStream;
}

/** Makes the root logger. Everything but the `ready` line goes to standard error. */
export function createLogger(options: LogOptions): Logger {
  const destination =
    options.destination ??
    (options.format === 'pretty' ? prettyStream(process.stderr) : pino.destination({ dest: 2, sync: true }));
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
    },
    destination,
  );
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

/** Turns pino's JSON lines into `12:03:44   part  sentence  key=value`, for a person at a terminal. */
function prettyStream(out: NodeJS.WritableStream): DestinationStream {
  return {
    write(line: string): void {
      out.write(`${prettyLine(line)}\n`);
    },
  };
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Formats one pino JSON line for a person; a line that is not JSON passes through unchanged. What comes from outside may
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
