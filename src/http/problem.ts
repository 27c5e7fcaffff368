import { STATUS_CODES } from 'node:http';

import { HTTPError } from 'h3';

import type { ErrorKind } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';

import { ThrottledError } from '../access/errors.ts';
import { ERROR_CODES, HubError } from '../base/errors.ts';

/** Something that only HTTP knows: a wrong method, an encoding that nobody speaks. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** An error as it is told to a client. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | undefined;
  /** Further members of the document. */
  readonly details: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  /** True when the hub did not expect it: to be logged in full, and told to nobody. */
  readonly unexpected: boolean;
}

/** Status of each kind (PROTOCOL.md 2.4). */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  storage: 503,
  storage_full: 507,
};

/** What a client that cannot know better should wait before it tries again. */
const RETRY_AFTER_S = '5';

export const AUTHENTICATE = 'Bearer realm="funkygibbon"';

/** Translates anything that was thrown. What the hub did not expect becomes a bare 500: nothing of it leaks. */
export function toProblem(error: unknown): Problem {
  if (error instanceof HubError) {
    const status = STATUS[error.kind];
    return problem(status, error.code ?? ERROR_CODES[error.kind], error.message, {
      ...(error.field === undefined ? {} : { field: error.field }),
      details: error.details,
      headers: headersOf(error, status),
    });
  }
  if (error instanceof HttpProblem) {
    return problem(error.status, error.code, error.message, { headers: error.headers });
  }
  if (HTTPError.isError(error) && !error.unhandled) {
    // The router's own words repeat the whole address.
    if (error.status === 404) return problem(404, 'NOT_FOUND', 'There is nothing at this path.');
    if (error.status === 400) return problem(400, 'VALIDATION_ERROR', 'The path is not well-formed.');
  }
  return {
    ...problem(500, 'INTERNAL_ERROR', 'The hub made a mistake. Its log says more under this request_id.'),
    unexpected: true,
  };
}

/** The body of a problem: RFC 9457 plus the fields of the seed. */
export function problemJson(told: Problem, requestId: string): string {
  return JSON.stringify({
    ...told.details,
    type: 'about:blank',
    title: STATUS_CODES[told.status] ?? 'Error',
    status: told.status,
    detail: told.detail,
    error: told.detail,
    code: told.code,
    request_id: requestId,
    ...(told.field === undefined ? {} : { field: told.field }),
  });
}

function problem(
  status: number,
  code: string,
  detail: string,
  {
    field,
    details = {},
    headers = {},
  }: { field?: string; details?: JsonObject; headers?: Readonly<Record<string, string>> } = {},
): Problem {
  return { status, code, detail, field, details, headers, unexpected: false };
}

function headersOf(error: HubError, status: number): Record<string, string> {
  if (error instanceof ThrottledError) return { 'retry-after': String(error.retryAfterS) };
  if (status === 401) return { 'www-authenticate': AUTHENTICATE };
  if (status === 403) return { 'www-authenticate': `${AUTHENTICATE}, error="insufficient_scope"` };
  if (status === 503 || status === 429) return { 'retry-after': RETRY_AFTER_S };
  return {};
}
