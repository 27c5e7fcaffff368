import type { Browser, Page } from 'playwright-core';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { hasBrowser, startBrowser } from '../support/browser.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'a password of mine';

describe.skipIf(!hasBrowser)('the setup link in a browser (needs Chromium)', { timeout: 60_000 }, () => {
  let browser: Browser;
  let folder: ReturnType<typeof temporaryFolder>;
  let hub: Hub;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => await browser.close());
  beforeEach(async () => {
    folder = temporaryFolder();
    hub = await startTestHub(folder.path);
    page = await browser.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Security Policy')) complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await page.close();
    await hub[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const link = (): string => `${hub.ready.http_url}/setup#${hub.pairing().setupCode}`;
  const fill = async (username: string, password: string, again = password): Promise<void> => {
    await page.fill('[name=username]', username);
    await page.fill('[name=password]', password);
    await page.fill('[name=again]', again);
    await page.click('button');
  };
  const alert = async (): Promise<string> => {
    // A selector, for the page's policy forbids the expressions that would be evaluated in it.
    await page.waitForSelector('form:has([role=alert]:not(:empty)):has(button:not([disabled]))');
    return (await page.textContent('form [role=alert]')) ?? '';
  };

  test('makes the owner, once; the code leaves the address and no login stays open', async () => {
    await page.goto(link());
    expect(new URL(page.url()).hash).toBe('');
    expect(await page.inputValue('#code')).toBe(hub.pairing().setupCode);
    await fill('anna', PASSWORD, 'something else');
    expect(await alert()).toBe('The two passwords are not the same.');
    await fill('an\tna', PASSWORD);
    expect(await alert()).toMatch(/username/);
    await fill('anna', PASSWORD);
    await page.waitForSelector('#done:not([hidden])');
    expect(await page.innerText('#done h1')).toBe('Welcome home, anna');
    const { access_token: token } = (await (
      await fetch(`${hub.ready.http_url}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'anna', password: PASSWORD }),
      })
    ).json()) as { access_token: string };
    const devices = await fetch(`${hub.ready.http_url}/api/auth/devices`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(((await devices.json()) as { items: unknown[] }).items).toHaveLength(1);
    await page.goto(`${hub.ready.http_url}/setup`);
    expect(await page.innerText('h1')).toBe('This hub has an owner');
    expect(await page.locator('form').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a wrong code is told, and what was typed stays', async () => {
    await page.goto(`${hub.ready.http_url}/setup#AAAA-%3Cb%3E%ZZ`);
    expect(await page.inputValue('#code')).toBe('');
    await page.fill('#code', 'aaaa-bbbb-cccc');
    await fill('anna', PASSWORD);
    expect(await alert()).toMatch(/setup code is wrong/);
    expect(await page.inputValue('[name=username]')).toBe('anna');
    await page.fill('#code', ` ${hub.pairing().setupCode?.toLowerCase() ?? ''} `);
    await page.click('button');
    await page.waitForSelector('#done:not([hidden])');
    expect(complaints).toEqual([]);
  });

  test('nothing but its own script runs in it, and nobody frames it', async () => {
    await page.goto(link());
    const ran = await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      'ran' in window;
    }`);
    expect(ran).toBe(false);
    const answer = await fetch(`${hub.ready.http_url}/setup`);
    expect(answer.headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/);
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});
