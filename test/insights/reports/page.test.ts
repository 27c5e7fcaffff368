import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { HomeReport } from '../../../src/insights/insights.ts';

import { PAGE_POLICY, reportPage, reportText } from '../../../src/insights/insights.ts';
import { hasBrowser, startBrowser } from '../../support/browser.ts';
import { sampleReport } from './sample.ts';

const HOSTILE = [
  '<script>document.title = "owned"</script>',
  '"><img src=x onerror="document.title=\'owned\'">',
  "'><svg/onload=document.title='owned'>",
  '</style></title></desc><script>document.title="owned"</script>',
  '{{constructor}} ${1+1} &lt;b&gt; ]]> <!-- --!>',
  '<a href="javascript:document.title=1">x</a><meta http-equiv=refresh content="0;url=http://evil.test">',
  '\u202Eevil\u0000\u001b[31m\u2028line',
];

/** Every text of a report, at any depth, made hostile; what has a form of its own is left. */
function poisoned(report: HomeReport, text: string): HomeReport {
  const kept = new Set([
    'id',
    'kind',
    'from',
    'to',
    'date',
    'timezone',
    'role',
    'source',
    'basis',
    'day_type',
  ]);
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, name)]));
    }
    const isFree = typeof value === 'string' && !kept.has(key) && !/(_at|_of|_date|_since)$/.test(key);
    return isFree && key !== 'no_data' && key !== 'with' ? text : value;
  };
  return walk(report, '') as HomeReport;
}

test.each(HOSTILE)('whatever things are called, the page has its own tags only: %j', (text) => {
  const tags = (page: string): string[] => page.match(/<\/?[a-zA-Z!][^>\s]*/g) ?? [];
  const plain = tags(reportPage(poisoned(sampleReport(), 'plain')));
  const hostile = reportPage(poisoned(sampleReport(), text));
  expect(tags(hostile)).toEqual(plain);
  expect(hostile).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
});

test('a terminal is not told to move its cursor, and no name begins a line', () => {
  const text = reportText(poisoned(sampleReport(), 'a\u001b[2J\r\nb\u2028c'));
  expect(text).not.toMatch(/(?!\n)\p{Cc}|\u2028/u);
  expect(text).not.toMatch(/^b/m);
});

test('nothing is fetched: there is no address in the page, and its policy allows none', () => {
  const page = reportPage(sampleReport());
  expect(page).not.toMatch(/https?:|src=|href=|@import|url\((?!#)/);
  expect(PAGE_POLICY).toContain("default-src 'none'");
  expect(PAGE_POLICY).not.toContain('unsafe');
});

test('every plot is told in words, and has its numbers in a table below', () => {
  const page = reportPage(sampleReport());
  const plots = [...page.matchAll(/<svg role="img" aria-labelledby="([\w-]+) ([\w-]+)"/g)];
  expect(plots).toHaveLength(3);
  for (const [, title = '', description = ''] of plots) {
    expect(page).toMatch(
      new RegExp(`<title id="${title}">[^<]+</title><desc id="${description}">[^<]+</desc>`),
    );
  }
  expect(page.match(/<details><summary>/g)).toHaveLength(3);
});

describe.skipIf(!hasBrowser)('in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  }, 60_000);
  afterAll(async () => await browser.close());

  test('no script runs and no request leaves, whatever things are called; as file and as answer', async () => {
    const requests: string[] = [];
    let html = '';
    await using server = createServer((request, response) => {
      requests.push(request.url ?? '');
      // Without the header that the hub sends: the page has to hold by itself, as one that was saved.
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const page = await browser.newPage();
    const outside: string[] = [];
    page.on('request', (request) => {
      if (!request.isNavigationRequest()) outside.push(request.url());
    });
    const refused: string[] = [];
    page.on('console', (message) => refused.push(message.text()));
    for (const text of [HOSTILE.join(' '), HOSTILE.toReversed().join('')]) {
      html = reportPage(poisoned(sampleReport(), text));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/page`);
      expect(await page.title()).not.toBe('owned');
      expect(await page.locator('script, img, iframe, a, form, object, link').count()).toBe(0);
      expect(await page.locator('h1').textContent()).toContain('March 2026');
    }
    expect(outside.filter((url) => !url.endsWith('/favicon.ico'))).toEqual([]);
    expect(requests.filter((url) => url !== '/favicon.ico')).toEqual(['/page', '/page']);
    // Its own style is let in: a policy that forgot it would say so here.
    expect(refused).toEqual([]);
    await page.close();
  });

  test('nothing is wider than the screen, with names of any length', async () => {
    const page = await browser.newPage();
    const report = poisoned(sampleReport(), 'Donaudampfschifffahrtsgesellschaft'.repeat(4));
    // Of a currency three letters are checked where it comes in.
    await page.setContent(reportPage({ ...report, energy: { ...report.energy, currency: 'EUR' } }));
    for (const width of [320, 390, 1000]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    }
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(251, 250, 247)');
    await page.close();
  });
});
