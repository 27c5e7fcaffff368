/** What may stand in a Host header: a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. */
const HOST = /^(?<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::\d{0,5})?$/i;

/** The name in a Host header, in lower case and without port, brackets and the root's dot; null where it is none. */
export function hostNameOf(host: string): string | null {
  const name = HOST.exec(host)?.groups?.['name'];
  return name === undefined ? null : name.toLowerCase().replace(/^\[(.*)\]$|\.$/, '$1');
}

/**
 * Whether a request comes from the hub's own pages or from those of a listed origin, or from no page at all. Browsers
 * send the origin of the page and let any page connect: whoever answers has to look.
 * @param host the Host header of the request
 * @param listed `scheme://host[:port]`, in lower case
 */
export function isKnownOrigin(
  origin: string | undefined,
  host: string | undefined,
  listed: readonly string[],
): boolean {
  if (origin === undefined || listed.includes(origin.toLowerCase())) return true;
  if (host === undefined || hostNameOf(host) === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.protocol !== 'http:' && page.protocol !== 'https:') return false;
  // The scheme is the page's: behind a proxy that ends TLS the hub does not know its own.
  const own = `${page.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === page.host;
}
