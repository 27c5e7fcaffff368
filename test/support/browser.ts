import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Debian's Chromium; scripts/test.sh installs it where it may. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

export const hasBrowser = CHROMIUM !== undefined;

/** A real browser, without a window. */
export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('there is no Chromium');
  return await chromium.launch({
    executablePath: CHROMIUM,
    // As root there is no sandbox to be had; all that it opens is our own page.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}
