const EXPOSED = [
  'ETag',
  'Location',
  'Retry-After',
  'X-Request-ID',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
].join(', ');
const PREFLIGHT_MAX_AGE_S = '600';

/** Lets the web pages of the configured origins call the API; with none configured, nothing is said at all. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** Headers for any answer to a request with this Origin. */
  headers(origin: string | undefined): Record<string, string> {
    if (this.#origins.size === 0) return {};
    if (origin === undefined || !this.#origins.has(origin.toLowerCase())) return { vary: 'Origin' };
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': EXPOSED,
    };
  }

  /** Headers with which a preflight is granted, or null when it is not one of an allowed origin. */
  preflight(origin: string | undefined, requestedMethod: string | undefined): Record<string, string> | null {
    if (requestedMethod === undefined || origin === undefined || !this.#origins.has(origin.toLowerCase())) {
      return null;
    }
    return {
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type, If-Match, If-None-Match, X-Request-ID',
      'access-control-max-age': PREFLIGHT_MAX_AGE_S,
    };
  }
}
