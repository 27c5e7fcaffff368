import type { IncomingMessage } from 'node:http';

import type { Access } from '../access/access.ts';
import type { Principal } from '../access/types.ts';
import type { Clock } from '../base/clock.ts';
import type { Route } from './route.ts';

import { refuseBeyondRooms } from '../access/errors.ts';
import { HubError } from '../base/errors.ts';
import { ClientAddresses, LINK_LOCAL, networkOf } from './client-address.ts';
import { bearerToken, beginExchange, headerOf, type Exchange } from './exchange.ts';
import { AUTHENTICATE, HttpProblem } from './problem.ts';
import { RateLimiter, type Quota } from './rate-limit.ts';
import { SourceRule } from './source-rule.ts';

/** Requests in a minute without a valid token, from one address. */
const ANONYMOUS_LIMIT = 100;
/** How many addresses of one IPv6 network may each use their whole limit at the same time. */
const ADDRESSES_AT_FULL_RATE = 4;
/** How many logins of one user may each use their whole limit at the same time. */
const LOGINS_AT_FULL_RATE = 4;

export interface GateOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly rateLimitPerMinute: number;
  readonly trustedProxies: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
}

/** What every request passes first: who is it, how often has it come, may it go on. */
export class Gate {
  readonly #access: Access;
  readonly #limiter: RateLimiter;
  readonly #limitPerMinute: number;
  readonly #addresses: ClientAddresses;
  readonly #sources: SourceRule;

  constructor(options: GateOptions) {
    this.#access = options.access;
    this.#limiter = new RateLimiter(options.clock);
    this.#limitPerMinute = options.rateLimitPerMinute;
    this.#addresses = new ClientAddresses(options.trustedProxies);
    this.#sources = new SourceRule(options);
  }

  /** Begins a request; never throws, so that even a refused one has an id to be told by. */
  begin(request: IncomingMessage): Exchange {
    const forwardedFor = headerOf(request, 'x-forwarded-for');
    return beginExchange(request, this.#addresses.resolve(request.socket.remoteAddress, forwardedFor));
  }

  /** Finds out who sent the request. A token that is not valid makes a stranger, and is refused where it matters. */
  async identify(exchange: Exchange, token = bearerToken(exchange.request)): Promise<void> {
    if (token === undefined) return;
    try {
      exchange.principal = await this.#access.verify(token);
    } catch (error) {
      if (!(error instanceof HubError) || error.kind !== 'unauthenticated') throw error;
      exchange.tokenError = error;
    }
  }

  /** Finds out who sent the request as things are now; whoever has lost their rights meanwhile is a stranger. */
  async identifyAgain(exchange: Exchange): Promise<void> {
    if (!exchange.principal) return;
    exchange.principal = undefined;
    await this.identify(exchange);
  }

  /** Counts the request. @throws HttpProblem 429 when the client has used up its limit. */
  count(exchange: Exchange): void {
    if (this.#limitPerMinute === 0) return;
    const { principal, address } = exchange;
    const quota = principal ? this.#takeOf(principal) : this.#takeOfAddress(address);
    exchange.quota = quota;
    if (quota.allowed) return;
    throw new HttpProblem(
      429,
      'RATE_LIMIT_EXCEEDED',
      `More than ${quota.limit} requests in a minute. Try again in ${quota.resetS} s.`,
      { 'retry-after': String(quota.resetS) },
    );
  }

  /** By login, so that programs that share a user do not use up each other's; and of all logins of a user a multiple. */
  #takeOf({ userId, sessionId }: Principal): Quota {
    const ofUser = this.#limiter.take(`user ${userId}`, this.#limitPerMinute * LOGINS_AT_FULL_RATE);
    if (!ofUser.allowed || sessionId === undefined) return ofUser;
    return this.#limiter.take(`login ${sessionId}`, this.#limitPerMinute);
  }

  /** By address, and of all addresses that one machine may have a multiple. */
  #takeOfAddress(address: string): Quota {
    const limit = Math.min(ANONYMOUS_LIMIT, this.#limitPerMinute);
    const network = networkOf(address);
    if (network !== address && network !== LINK_LOCAL) {
      const ofNetwork = this.#limiter.take(`network ${network}`, limit * ADDRESSES_AT_FULL_RATE);
      if (!ofNetwork.allowed) return ofNetwork;
    }
    return this.#limiter.take(`address ${address}`, limit);
  }

  /** Keeps out what pages from elsewhere send. @throws HttpProblem 400, 403, 421. */
  checkSource({ request }: Exchange): void {
    this.#sources.checkHost(request);
    this.#sources.checkOrigin(request);
  }

  /**
   * Default deny: only what is public, or was granted and keeps to the rooms of whoever is limited to some, goes on.
   * @throws HttpProblem 401, HubError `forbidden`.
   */
  authorize(exchange: Exchange, { authority, scoped }: Pick<Route, 'authority' | 'scoped'>): void {
    if (authority === 'public') return;
    const { principal, tokenError } = exchange;
    if (!principal) {
      throw tokenError === undefined
        ? new HttpProblem(
            401,
            'AUTHENTICATION_FAILED',
            'Log in first, and send the access token as a bearer token.',
            {
              'www-authenticate': AUTHENTICATE,
            },
          )
        : new HttpProblem(401, 'AUTHENTICATION_FAILED', messageOf(tokenError), {
            'www-authenticate': `${AUTHENTICATE}, error="invalid_token"`,
          });
    }
    if (authority === 'signed_in' || this.#access.allows(principal, authority)) {
      if (principal.rooms && !scoped) this.#noteRefusal(exchange, principal);
      refuseBeyondRooms(principal, scoped);
      return;
    }
    this.#noteRefusal(exchange, principal);
    // The words that v2 clients show for what only an admin may do.
    throw new HubError(
      'forbidden',
      authority === 'system:admin'
        ? 'Admin access required'
        : `The role ${principal.role} does not include ${authority}.`,
    );
  }

  /** The audit log tells of writes that somebody is not allowed; reading what one may not is no act. */
  #noteRefusal({ request, address, requestId }: Exchange, principal: Principal): void {
    const { method = '', url = '' } = request;
    if (method === 'GET' || method === 'HEAD') return;
    this.#access.audit.note(`forbidden ${principal.userId} ${address}`, {
      action: 'forbidden',
      by: principal,
      from: { address, requestId },
      target: `${method} ${url.split('?', 1)[0] ?? ''}`,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof HubError ? error.message : 'The access token is not valid.';
}
