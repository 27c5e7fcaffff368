import type { Environment, HttpAnswer } from './environment.ts';

import { ClientError, type ClientErrorKind } from './errors.ts';
import { isJsonObject } from './shape.ts';

/** An access token, and when it ends (ms since the Unix epoch) where that is known. */
export interface AccessToken {
  readonly value: string;
  readonly expiresAtMs?: number;
}

/**
 * Gives the access token to use; `Session` has one. Called with `stale` when the hub has refused that token: then it
 * gives another one, or throws a ClientError `signed_out`.
 */
export type TokenProvider = (stale?: string) => Promise<AccessToken>;

export interface HubRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/api/`. */
  readonly path: string;
  readonly body?: unknown;
  /** No token is sent without it. */
  readonly tokens?: TokenProvider;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/**
 * Calls the hub and returns the parsed answer, undefined where it has no body. A token that the hub refuses is renewed
 * once.
 * @throws ClientError `offline`, `busy`, `protocol`, `signed_out`, `forbidden`, `refused`, `closed`.
 */
export async function callHub(
  environment: Environment,
  hubUrl: string,
  request: HubRequest,
): Promise<unknown> {
  const { tokens } = request;
  if (!tokens) return await callWith(environment, hubUrl, request, null);
  const { value } = await tokens();
  try {
    return await callWith(environment, hubUrl, request, value);
  } catch (error) {
    if (!(error instanceof ClientError) || error.kind !== 'signed_out') throw error;
    const renewed = await tokens(value);
    if (renewed.value === value) throw error;
    return await callWith(environment, hubUrl, request, renewed.value);
  }
}

/** The hub's address without a slash at its end. */
export function baseOf(hubUrl: string): string {
  return hubUrl.replace(/\/+$/, '');
}

async function callWith(
  environment: Environment,
  hubUrl: string,
  { method, path, body, signal, timeoutMs = TIMEOUT_MS }: HubRequest,
  token: string | null,
): Promise<unknown> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (isAborted(signal)) throw closedError();
  signal?.addEventListener('abort', abort);
  const cancelTimeout = environment.after(timeoutMs, abort);
  let answer: HttpAnswer;
  let text: string;
  try {
    answer = await environment.fetch(`${baseOf(hubUrl)}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: controller.signal,
    });
    text = await answer.text();
  } catch (error) {
    if (isAborted(signal)) throw closedError();
    // Nothing else aborts this one.
    const timedOut = isAborted(controller.signal);
    const message = timedOut ? 'the hub did not answer in time' : 'the hub cannot be reached';
    throw new ClientError('offline', message, { timedOut, cause: error });
  } finally {
    cancelTimeout();
    signal?.removeEventListener('abort', abort);
  }
  if (answer.status < 200 || answer.status > 299) throw toError(answer, text, environment.nowMs());
  return text === '' ? undefined : parse(text, answer.status);
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ClientError('protocol', 'what answered is not a hub: that is no JSON', {
      status,
      cause: error,
    });
  }
}

function toError(answer: HttpAnswer, text: string, nowMs: number): ClientError {
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = undefined;
  }
  const told = isJsonObject(problem) ? problem : {};
  const textOf = (name: string): string | undefined => {
    const value = told[name];
    return typeof value === 'string' ? value : undefined;
  };
  const { status } = answer;
  const code = textOf('code');
  const field = textOf('field');
  const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'), nowMs);
  return new ClientError(kindOf(status), textOf('detail') ?? `the hub answered ${status}`, {
    status,
    timedOut: status === 408 || status === 504,
    ...(code === undefined ? {} : { code }),
    ...(field === undefined ? {} : { field }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function kindOf(status: number): ClientErrorKind {
  if (status === 401) return 'signed_out';
  if (status === 403) return 'forbidden';
  return status >= 500 || [408, 425, 429].includes(status) ? 'busy' : 'refused';
}

/** Seconds or a date, as RFC 9110 has it; undefined where it is neither. */
function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** A call, because a check in place is taken to hold for ever after. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function closedError(): ClientError {
  return new ClientError('closed', 'the client was closed');
}
