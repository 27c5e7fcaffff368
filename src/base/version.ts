import { readFileSync } from 'node:fs';

/** The hub's version, from package.json; the file lies two folders above this one, in the sources and once built. */
export function readHubVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
