/**
 * What kept the client from doing what it was asked.
 * - `offline`: the hub could not be reached, or did not answer in time.
 * - `busy`: it answered that it cannot now (408, 425, 429, 5xx).
 * - `protocol`: what came was not an answer of a hub, as from a hotel's login page.
 * - `signed_out`: the tokens are not valid any more; somebody has to log in.
 * - `forbidden`: this user may not do that.
 * - `refused`: the hub will say no each time (400, 404, 409, 413, …); `code` and `field` say why.
 * - `shared_store`: another program uses the same store at the same time, which only one can.
 * - `other_user`: the store holds the edits of another user.
 * - `invalid`: an edit that cannot be made; nothing was stored.
 * - `closed`: the client was closed.
 */
export type ClientErrorKind =
  | 'offline'
  | 'busy'
  | 'protocol'
  | 'signed_out'
  | 'forbidden'
  | 'refused'
  | 'shared_store'
  | 'other_user'
  | 'invalid'
  | 'closed';

export interface ClientErrorDetails {
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** The hub's code, such as RATE_LIMIT_EXCEEDED. */
  readonly code?: string;
  /** The field that the hub complains about. */
  readonly field?: string;
  /** How long the hub asks to wait, ms. */
  readonly retryAfterMs?: number;
  /** Whether the answer was waited for in vain: the hub may have done what it was asked. */
  readonly timedOut?: boolean;
  readonly cause?: unknown;
}

const RETRYABLE: ReadonlySet<ClientErrorKind> = new Set(['offline', 'busy', 'protocol', 'shared_store']);

/** Everything that the client throws on purpose. The message is for people. */
export class ClientError extends Error {
  readonly kind: ClientErrorKind;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly timedOut: boolean;

  constructor(kind: ClientErrorKind, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ClientError';
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.timedOut = details.timedOut ?? false;
  }

  /** Trying again later, with the same words, may work. */
  get retryable(): boolean {
    return RETRYABLE.has(this.kind);
  }
}
