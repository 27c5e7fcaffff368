import { afterAll, beforeAll, expect, test } from 'vitest';

import { reportSchema } from '../../../src/insights/insights.ts';
import { readReportOrder, reportReplyText } from '../../../src/cli/report-command.ts';
import { makePerson, refusalOf, type Person } from '../../http/people.ts';
import { startTestApi, type TestApi } from '../../http/support.ts';
import { mailTo, openReportsHome, type ReportsHome } from './home.ts';

const ID = 'daily-2026-03-09';
const PATH = '/api/analytics/reports';

let home: ReportsHome;
let api: TestApi;
let member: Person;
let limited: Person;
let guest: Person;

beforeAll(async () => {
  home = await openReportsHome({ name: 'Villa <b>' });
  home.phones.push({ client: 'tablet', userId: 'ben', lastSyncMs: null });
  home.energy.at('2026-03-10T06:00');
  for (const date of ['2026-03-07', '2026-03-08', '2026-03-09']) await home.reports.make('daily', date);
  await home.restart({ mail: mailTo(1) });
  api = await startTestApi({ reports: home.reports });
  expect(
    (await api.call('POST', '/api/entities', { id: 'kitchen', entity_type: 'room', content: {} })).status,
  ).toBe(201);
  member = await makePerson(api, 'mia', 'member');
  limited = await makePerson(api, 'ben', 'member', { rooms: ['kitchen'] });
  guest = await makePerson(api, 'gus', 'guest');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

interface Page {
  readonly items: readonly { readonly id: string; readonly delivery: readonly object[] }[];
  readonly next_cursor: string | null;
}
const list = async (query: string, by: Pick<Person, 'call'> = api): Promise<Page> =>
  (await (await by.call('GET', `${PATH}${query}`)).json()) as Page;

test('the list is paged, the newest first, and of one kind where asked', async () => {
  const first = await list('?limit=2');
  expect(first.items.map(({ id }) => id)).toEqual([ID, 'daily-2026-03-08']);
  const second = await list(`?limit=2&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ items: [{ id: 'daily-2026-03-07' }], next_cursor: null });
  expect((await list('?kind=weekly')).items).toEqual([]);
  expect(await refusalOf(await api.call('GET', `${PATH}?kind=yearly`))).toContain(
    'must be daily, weekly, monthly',
  );
});

test('a report is JSON, or a page where that is asked for', async () => {
  const answer = await api.call('GET', `${PATH}/${ID}`, undefined, { accept: 'application/json, text/html' });
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('vary')).toContain('Accept');
  expect(reportSchema.parse(await answer.json())).toMatchObject({ id: ID, phones: { total: 1 } });
  for (const [path, accept] of [
    [`${PATH}/${ID}.html`, '*/*'],
    [`${PATH}/${ID}`, 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ] as const) {
    const page = await api.call('GET', path, undefined, { accept });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const words of ["default-src 'none'", "frame-ancestors 'none'", 'sandbox'])
      expect(policy).toContain(words);
    expect(policy).not.toContain('script');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cache-control')).toContain('private');
    expect(await page.text()).toContain('Daily report of Villa &#60;b&#62;');
  }
  expect((await api.call('GET', `${PATH}/nothing.html`)).status).toBe(404);
});

test('members and guests read what they may know elsewhere too; whoever is limited to rooms reads none', async () => {
  const shown = reportSchema.parse(await (await member.call('GET', `${PATH}/${ID}`)).json());
  expect(shown).toMatchObject({ phones: { total: 0 }, jobs: { no_data: 'Shown to admins only.' } });
  expect(await (await member.call('GET', `${PATH}/${ID}.html`)).text()).not.toContain('tablet');
  const little = reportSchema.parse(await (await guest.call('GET', `${PATH}/${ID}`)).json());
  expect(little.suggestions.no_data).toBe('Shown to those who may change the home.');
  for (const path of ['', `/${ID}`, `/${ID}.html`]) {
    expect((await limited.call('GET', `${PATH}${path}`)).status).toBe(403);
  }
  expect((await member.call('POST', PATH, { kind: 'daily' })).status).toBe(403);
  expect((await member.call('POST', `${PATH}/${ID}/send`)).status).toBe(403);
});

test('admins make one for a period, and send one; how that went is for them', async () => {
  const made = await api.call('POST', PATH, { kind: 'weekly', date: '2026-03-08' });
  expect(made.status).toBe(201);
  expect(await made.json()).toMatchObject({
    id: 'weekly-2026-W10',
    from: '2026-03-01T23:00:00.000Z',
    to: '2026-03-08T23:00:00.000Z',
    delivery: [],
  });
  const early = await api.call('POST', PATH, { kind: 'daily', date: '2026-03-10' });
  expect([early.status, await refusalOf(early)]).toEqual([400, expect.stringContaining('is not over yet')]);
  expect((await api.call('POST', PATH, { kind: 'daily', date: 'today' })).status).toBe(400);
  const sent = await api.call('POST', `${PATH}/${ID}/send`);
  expect(await sent.json()).toMatchObject({ id: ID, delivery: [{ to: 'mail' }] });
  await home.jobs.idle();
  expect((await list('')).items.find(({ id }) => id === ID)?.delivery).toMatchObject([
    { to: 'mail', state: 'retrying', attempts: 1, error: expect.stringContaining('ECONNREFUSED') as string },
  ]);
  expect((await list('', member)).items.every(({ delivery }) => delivery.length === 0)).toBe(true);
});

test('the command line takes its words, and leaves the rest to the configuration', () => {
  const rest = { json: false, htmlFile: null, configFlags: [] };
  expect(readReportOrder([])).toEqual({ ...rest, ask: 'reports', args: { kind: null, limit: 30 } });
  expect(readReportOrder(['list', '--kind=weekly', '--json', '--config', 'x.yaml'])).toEqual({
    json: true,
    htmlFile: null,
    configFlags: ['--config', 'x.yaml'],
    ask: 'reports',
    args: { kind: 'weekly', limit: 30 },
  });
  expect(readReportOrder(['show', 'latest', '--html', 'a.html'])).toEqual({
    ...rest,
    htmlFile: 'a.html',
    ask: 'reports_show',
    args: { id: 'latest' },
  });
  expect(readReportOrder(['make', 'monthly', '2026-02-01'])).toMatchObject({
    ask: 'reports_make',
    args: { kind: 'monthly', date: '2026-02-01' },
  });
  expect(readReportOrder(['send', ID])).toMatchObject({ ask: 'reports_send', args: { id: ID } });
  for (const words of [
    ['show'],
    ['make'],
    ['make', 'yearly'],
    ['send'],
    ['x'],
    ['list', '--kind', 'x'],
    ['--html', 'x'],
  ]) {
    expect(() => readReportOrder(words)).toThrow('reports takes [list]');
  }
  expect(() => readReportOrder(['--kind'])).toThrow('--kind takes a value');
  expect(reportReplyText(readReportOrder([]), [])).toContain('There is no report yet');
});
