import type { IncomingMessage } from 'node:http';

import type { Principal } from '../access/types.ts';
import type { Quota } from './rate-limit.ts';

import { newId } from '../base/ids.ts';

/** One request on its way through the pipeline, and what was found out about it. */
export interface Exchange {
  readonly requestId: string;
  readonly request: IncomingMessage;
  /** Where it comes from, proxies of ours left out. */
  readonly address: string;
  /** Who sent it; undefined without a valid token. */
  principal: Principal | undefined;
  /** Why the token that came with it is not valid. */
  tokenError: unknown;
  /** Undefined while limits are off. */
  quota: Quota | undefined;
  /** The pattern of the route that answers; undefined where none does. */
  endpoint: string | undefined;
}

/** A client's own id is taken over when it can do no harm in a header or a log line. */
const SANE_REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;

export function beginExchange(request: IncomingMessage, address: string): Exchange {
  const claimed = headerOf(request, 'x-request-id');
  return {
    requestId: claimed !== undefined && SANE_REQUEST_ID.test(claimed) ? claimed : newId(),
    request,
    address,
    principal: undefined,
    tokenError: undefined,
    quota: undefined,
    endpoint: undefined,
  };
}

/** A header as one text; what was sent several times is joined as RFC 9110 says. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The token of `Authorization: Bearer …`, or undefined. */
export function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}
