import type { IncomingMessage } from 'node:http';

import { isIP } from 'node:net';
import { hostname } from 'node:os';

import { hostNameOf, isKnownOrigin } from '../base/web-origin.ts';
import { HttpProblem } from './problem.ts';

/** Asked by monitors under whatever name they know, some of them without any; they tell nothing of the home. */
const HEALTH_PATHS = ['/health', '/ready'];
const CHANGES_NOTHING = ['GET', 'HEAD', 'OPTIONS'];

export interface SourceRuleOptions {
  /** Further names of the hub, in lower case. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call, in lower case. */
  readonly corsOrigins: readonly string[];
}

/** Keeps out what a browser sends on behalf of pages that have nothing to do with the hub. */
export class SourceRule {
  readonly #names: ReadonlySet<string>;
  readonly #origins: readonly string[];

  constructor(options: SourceRuleOptions) {
    this.#names = new Set([...options.allowedHosts, hostname().toLowerCase()]);
    this.#origins = options.corsOrigins;
  }

  /**
   * A page of an attacker may make its own name point to the hub (DNS rebinding), and is then of one origin with it.
   * What it cannot have is a name that no public DNS gives: an address, a name without a dot, one below .local.
   * @throws HttpProblem 421 for any other name that is not listed, 400 for none.
   */
  checkHost(request: IncomingMessage): void {
    const { host } = request.headers;
    const name = host === undefined ? null : hostNameOf(host);
    if (isSaidTwice(request)) {
      throw new HttpProblem(400, 'VALIDATION_ERROR', 'The request has more than one Host header.');
    }
    if (name !== null && this.#isOurs(name) && this.#isOurs(targetNameOf(request) ?? name)) return;
    if (HEALTH_PATHS.includes(request.url?.split('?', 1)[0] ?? '')) return;
    if (host === undefined || host === '') {
      throw new HttpProblem(400, 'VALIDATION_ERROR', 'The request has no Host header.');
    }
    throw new HttpProblem(
      421,
      'MISDIRECTED_REQUEST',
      name === null || this.#isOurs(name)
        ? 'The Host header, or the address of the request, is not the name of a machine.'
        : `The hub does not go by the name ${name}. If it should, add the name to http.allowed_hosts.`,
    );
  }

  /** @throws HttpProblem 403 when a page of a foreign origin wants to change something. */
  checkOrigin(request: IncomingMessage): void {
    const { origin, host } = request.headers;
    if (CHANGES_NOTHING.includes(request.method ?? '') || isKnownOrigin(origin, host, this.#origins)) return;
    throw new HttpProblem(
      403,
      'FORBIDDEN',
      'Pages of this origin may not change anything here; add it to http.cors_origins.',
    );
  }

  #isOurs(name: string): boolean {
    if (isIP(name) !== 0 || !name.includes('.')) return true;
    return name.endsWith('.local') || name.endsWith('.localhost') || this.#names.has(name);
  }
}

/** Whoever stands in front of the hub may have looked at the other one (RFC 9112, 3.2). */
function isSaidTwice({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length > 1;
}

/** The name in a whole address (`GET http://hub/health`), which counts more than the header; null where there is none. */
function targetNameOf({ url = '' }: IncomingMessage): string | null {
  if (url.startsWith('/') || !URL.canParse(url)) return null;
  return hostNameOf(new URL(url).host) ?? '';
}
