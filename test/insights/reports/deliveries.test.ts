import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Delivery } from '../../../src/insights/reports/types.ts';

import { signatureOf } from '../../../src/insights/reports/webhook.ts';
import { startTestSmtp, type TestSmtp } from '../../support/smtp.ts';
import { ADMIN, DAY, HOUR, mailTo, openReportsHome, type ReportsHome, type Targets } from './home.ts';

const MINUTE = 60_000;
const ID = 'daily-2026-03-02';
const LOGIN = { username: 'hub', password: 'p4ss-w0rd' };
const KINDS = ['daily', 'weekly', 'monthly'] as const;

/** A home with a report of yesterday that is on its way. */
async function sending(targets: Targets): Promise<ReportsHome> {
  const home = await openReportsHome({ begin: '2026-03-02T12:00', ...targets });
  home.energy.at('2026-03-03T05:10');
  // The one that makes it, and then those that send it.
  for (let n = 0; n < 3; n++) await home.jobs.idle();
  return home;
}

function deliveryOf(home: ReportsHome, id = ID): Delivery | undefined {
  return home.reports.entry(id).delivery[0];
}

describe('by mail', () => {
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startTestSmtp();
  });
  afterAll(async () => await smtp[Symbol.asyncDispose]());
  afterEach(() => {
    smtp.mails.length = 0;
    smtp.logins.length = 0;
    smtp.instead.clear();
  });

  test('a report goes as text and as a page, once', async () => {
    await using home = await sending({
      mail: mailTo(smtp.port, { ...LOGIN, to: ['ana@example.org', 'Ben <ben@example.org>'] }),
    });
    expect(deliveryOf(home)).toMatchObject({ to: 'mail', state: 'sent', attempts: 1, error: null });
    expect(smtp.logins).toEqual(['hub:p4ss-w0rd']);
    expect(smtp.mails).toHaveLength(1);
    const [mail] = smtp.mails;
    expect(mail).toMatchObject({ from: 'hub@example.org', to: ['ana@example.org', 'ben@example.org'] });
    for (const words of [
      'Subject: Home: Daily report, Monday, 2 March 2026',
      'Content-Type: text/plain',
      'Content-Type: text/html',
      `filename=${ID}.html`,
      `Message-ID: <${ID}.1@example.org>`,
    ]) {
      expect(mail?.data).toContain(words);
    }
    await home.restart();
    await home.pass(HOUR);
    expect(smtp.mails).toHaveLength(1);
  });

  test('a refused login is told without the password, tried again later, and stops nothing', async () => {
    // A server that repeats what it was sent.
    smtp.instead.set('AUTH', `535 no: ${Buffer.from('\0hub\0p4ss-w0rd').toString('base64')} p4ss-w0rd`);
    await using home = await sending({ mail: mailTo(smtp.port, LOGIN) });
    const first = deliveryOf(home);
    expect(first).toMatchObject({ state: 'retrying', attempts: 1 });
    expect(first?.error).toContain('535');
    const told = JSON.stringify([home.reports.list(null, 0, 10), home.jobs.history({}, 0, 10)]);
    for (const form of ['p4ss', Buffer.from('\0hub\0p4ss-w0rd').toString('base64')]) {
      expect(told).not.toContain(form);
    }
    smtp.instead.clear();
    await home.pass(MINUTE, MINUTE);
    expect(deliveryOf(home)).toMatchObject({ state: 'sent', attempts: 2, error: null });
    expect(smtp.mails).toHaveLength(1);
  });

  test('a server that is away for hours is tried ever more seldom, and given up after a day', async () => {
    smtp.instead.set('MAIL', '451 come back later');
    await using home = await sending({ mail: mailTo(smtp.port) });
    const at = new Map<number, number>();
    const beganMs = home.energy.clock.nowMs();
    for (let n = 0; n < 26 * 6; n++) {
      await home.pass(10 * MINUTE, 10 * MINUTE);
      const { attempts = 0 } = deliveryOf(home) ?? {};
      if (!at.has(attempts)) at.set(attempts, home.energy.clock.nowMs() - beganMs);
    }
    expect(deliveryOf(home)).toMatchObject({ state: 'failed', attempts: 15 });
    expect(deliveryOf(home)?.error).toContain('451 come back later');
    expect(at.get(15)).toBeGreaterThan(17 * HOUR);
    const failed = home.jobs.history({ name: 'report-mail', state: 'failed' }, 0, 20);
    expect(failed.filter(({ key }) => key?.startsWith(`${ID}/`))).toHaveLength(5);
    smtp.instead.clear();
    await home.reports.send(ID);
    await home.jobs.idle();
    expect(deliveryOf(home)).toMatchObject({ state: 'sent', attempts: 1 });
    expect(smtp.mails.at(-1)?.data).toContain(`Message-ID: <${ID}.2@example.org>`);
  });

  test('a server without TLS gets no mail, and no password, where TLS is asked for', async () => {
    await using home = await sending({ mail: mailTo(smtp.port, { ...LOGIN, tls: 'starttls' }) });
    expect(deliveryOf(home)).toMatchObject({ state: 'retrying', attempts: 1 });
    expect(smtp.logins).toEqual([]);
    expect(smtp.mails).toEqual([]);
  });

  test('one that accepts for some of them has taken it: the others do not get it again and again', async () => {
    smtp.instead.set('ben@example.org', '550 no such user');
    await using home = await sending({
      mail: mailTo(smtp.port, { to: ['ana@example.org', 'ben@example.org'] }),
    });
    expect(deliveryOf(home)).toMatchObject({ state: 'sent', attempts: 1 });
    expect(deliveryOf(home)?.error).toContain('not for 1 of 2');
    await home.pass(HOUR, 20 * MINUTE);
    expect(smtp.mails).toHaveLength(1);
  });

  test('one that accepts for nobody of them is no success', async () => {
    smtp.instead.set('RCPT', '550 no such user');
    await using home = await sending({ mail: mailTo(smtp.port) });
    expect(deliveryOf(home)).toMatchObject({ state: 'retrying' });
    expect(deliveryOf(home)?.error).toContain('550 no such user');
  });

  test('a silent server does not keep the hub from stopping, and the try is made by the next one', async () => {
    smtp.instead.set('greeting', '');
    await using home = await openReportsHome({ begin: '2026-03-02T12:00', mail: mailTo(smtp.port) });
    home.energy.at('2026-03-03T05:10');
    home.jobs.wake();
    await vi.waitFor(() => expect(deliveryOf(home)?.attempts).toBe(1), { timeout: 5000 });
    smtp.instead.clear();
    await home.restart();
    await home.jobs.idle();
    expect(deliveryOf(home)).toMatchObject({ state: 'sent', attempts: 2 });
    expect(smtp.mails).toHaveLength(1);
  });

  test('of several that were missed only the last of a kind goes', async () => {
    await using home = await openReportsHome({ begin: '2026-03-02T12:00', mail: mailTo(smtp.port) });
    home.energy.at('2026-03-06T05:10');
    await home.reports.makeMissing(home.energy.clock.nowMs(), new AbortController().signal);
    await home.jobs.idle();
    expect(
      home.reports.list('daily', 0, 10).map(({ delivery }) => delivery.map(({ state }) => state)),
    ).toEqual([['sent'], [], [], []]);
    expect(smtp.mails).toHaveLength(1);
  });

  test('a power cut between storing and queueing loses no mail', async () => {
    await using home = await openReportsHome({ begin: '2026-03-02T12:00' });
    home.energy.at('2026-03-03T05:10');
    await home.reports.make('daily', null);
    const { store } = home.energy;
    // As `make` leaves it where the hub ends before the queue has the order.
    await home.restart({ mail: mailTo(smtp.port) });
    store.write((tx) => home.reports.deliveries.order(tx, ID, ['mail']));
    await home.restart({ mail: mailTo(smtp.port) });
    await home.jobs.idle();
    expect(deliveryOf(home)).toMatchObject({ state: 'sent' });
  });

  test('what is not configured any more is told so', async () => {
    smtp.instead.set('MAIL', '451 later');
    await using home = await sending({ mail: mailTo(smtp.port) });
    await home.restart({});
    await home.pass(MINUTE, MINUTE);
    expect(deliveryOf(home)).toMatchObject({ state: 'failed', error: 'No mail is configured any more.' });
  });
});

describe('to a webhook', () => {
  let server: Server;
  let url: string;
  const taken: { headers: IncomingHttpHeaders; body: string; method: string; url: string }[] = [];
  /** Statuses that come first; 0 is silence. */
  let statuses: number[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        taken.push({ headers: request.headers, body, method: request.method ?? '', url: request.url ?? '' });
        const status = statuses.shift() ?? 200;
        if (status !== 0) response.writeHead(status, { location: '/elsewhere' }).end('thanks');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/s3cr3t`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  afterEach(() => {
    taken.length = 0;
    statuses = [];
  });

  test('a report is posted as JSON, with a signature that holds', async () => {
    await using home = await sending({ webhook: { url, secret: 'shh', kinds: KINDS } });
    expect(deliveryOf(home)).toMatchObject({ to: 'webhook', state: 'sent', attempts: 1 });
    expect(taken).toHaveLength(1);
    const [{ headers, body, method }] = taken as [(typeof taken)[number]];
    expect(method).toBe('POST');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-funkygibbon-delivery': `${ID}.1`,
      'x-funkygibbon-signature': signatureOf(body, 'shh'),
    });
    expect(signatureOf('what do ya want for nothing?', 'Jefe')).toBe(
      // RFC 4231, test case 2.
      'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    const report = home.reports.report(ID, ADMIN);
    expect(JSON.parse(body)).toEqual({ id: ID, kind: 'daily', period: report.period, report });
  });

  test('500 and then 200: it comes twice, under the same name', async () => {
    statuses = [500];
    await using home = await sending({ webhook: { url, secret: null, kinds: KINDS } });
    expect(deliveryOf(home)).toMatchObject({
      state: 'retrying',
      attempts: 1,
      error: 'The webhook answered with 500.',
    });
    await home.pass(MINUTE, MINUTE);
    expect(deliveryOf(home)).toMatchObject({ state: 'sent', attempts: 2, error: null });
    expect(taken.map(({ headers }) => headers['x-funkygibbon-delivery'])).toEqual([`${ID}.1`, `${ID}.1`]);
    expect(taken[0]?.headers['x-funkygibbon-signature']).toBeUndefined();
  });

  test.each([301, 302, 307, 308])('a redirect (%d) is not followed', async (status) => {
    statuses = [status];
    await using home = await sending({ webhook: { url, secret: null, kinds: KINDS } });
    expect(deliveryOf(home)?.error).toContain(`redirect (${status}), which is not followed`);
    expect(taken.map((one) => one.url)).toEqual(['/hook/s3cr3t']);
  });

  test('who does not answer in time is tried again', async () => {
    statuses = [0];
    await using home = await sending({ webhook: { url, secret: null, kinds: KINDS, timeoutMs: 100 } });
    expect(deliveryOf(home)).toMatchObject({
      state: 'retrying',
      error: 'The webhook did not answer within 0.1 s.',
    });
  });

  test('nobody there: the address, which is a secret, is not told', async () => {
    const gone = 'http://127.0.0.1:1/hook/s3cr3t';
    await using home = await sending({ webhook: { url: gone, secret: null, kinds: KINDS } });
    expect(deliveryOf(home)?.error).toContain('The webhook could not be reached:');
    expect(JSON.stringify([home.reports.entry(ID), home.jobs.history({}, 0, 10)])).not.toContain('s3cr3t');
  });

  test('only reports of its kinds go, and all that were missed', async () => {
    await using home = await openReportsHome({
      begin: '2026-03-02T12:00',
      webhook: { url, secret: null, kinds: ['daily'] },
    });
    home.energy.at('2026-03-10T05:10');
    await home.reports.makeMissing(home.energy.clock.nowMs(), new AbortController().signal);
    for (let n = 0; n < 8; n++) await home.jobs.idle();
    expect(taken.map(({ body }) => (JSON.parse(body) as { id: string }).id).toSorted()).toEqual(
      [3, 4, 5, 6, 7, 8, 9].map((day) => `daily-2026-03-0${day}`),
    );
    expect(home.reports.entry('weekly-2026-W10').delivery).toEqual([]);
    expect(home.energy.clock.nowMs()).toBeLessThan(home.energy.ms('2026-03-02T12:00') + 9 * DAY);
  });
});
