import { networkInterfaces } from 'node:os';

const WILDCARDS = ['0.0.0.0', '::', ''];

/**
 * The URL under which others in the house reach what listens on `host`: where that is every address, the machine's own
 * on the network takes the place of the loopback address in `url`. Without a network the URL stays as it is.
 */
export function urlForOthers(url: string, host: string): string {
  if (!WILDCARDS.includes(host)) return url;
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) return url;
  const { protocol, port } = new URL(url);
  return `${protocol}//${address}:${port}`;
}
