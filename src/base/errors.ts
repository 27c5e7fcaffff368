import type { JsonObject } from './json.ts';

/** What went wrong, in kinds that a door can translate. Inner code knows no HTTP status. */
export type ErrorKind =
  | 'invalid' // the caller sent something that can never be right
  | 'not_found'
  | 'conflict'
  | 'precondition_failed'
  | 'forbidden'
  | 'unauthenticated'
  | 'too_large'
  | 'rate_limited'
  | 'unavailable' // right request, wrong moment: a device is offline, the hub is stopping
  | 'storage' // the disk did not do what it was asked
  | 'storage_full';

/** What each kind is called on the wire, by HTTP and WebSocket alike, where the error has no `code` of its own. */
export const ERROR_CODES: Readonly<Record<ErrorKind, string>> = {
  invalid: 'VALIDATION_ERROR',
  not_found: 'NOT_FOUND',
  conflict: 'CONFLICT',
  precondition_failed: 'PRECONDITION_FAILED',
  forbidden: 'FORBIDDEN',
  unauthenticated: 'AUTHENTICATION_FAILED',
  too_large: 'TOO_LARGE',
  rate_limited: 'RATE_LIMIT_EXCEEDED',
  unavailable: 'UNAVAILABLE',
  storage: 'STORAGE_ERROR',
  storage_full: 'STORAGE_FULL',
};

/**
 * An error that a person will read. `message` says what happened and what to do about it;
 * `field` names the offending input as a dotted path where there is one.
 */
export class HubError extends Error {
  override readonly name: string = 'HubError';
  readonly kind: ErrorKind;
  readonly field: string | undefined;
  /** The protocol's own name for it (PROTOCOL.md 2.4), where the kind does not say enough. */
  readonly code: string | undefined;
  /** What a program needs to go on, besides the message; told as members of the problem document. */
  readonly details: JsonObject;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { field?: string; code?: string; details?: JsonObject; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.field = options.field;
    this.code = options.code;
    this.details = options.details ?? {};
  }
}

/** A part of the hub could not start. The message names the part and what the person can do. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly part: string;
  /** True when the cause is the configuration, so that the process exits with 78 (EX_CONFIG). */
  readonly badConfiguration: boolean;

  constructor(part: string, message: string, options: { badConfiguration?: boolean; cause?: unknown } = {}) {
    super(`${part}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.part = part;
    this.badConfiguration = options.badConfiguration ?? false;
  }
}

/** The readable part of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`EADDRINUSE`, `EACCES` …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
