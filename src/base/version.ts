import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The hub's version, from the nearest package.json above this file, in the sources as in a build. */
export function readHubVersion(): string {
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) throw new Error('there is no package.json above the program');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
