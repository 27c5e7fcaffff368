import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { ManualClock } from '../../../src/base/clock.ts';
import { readReportOrder, runReportCommand } from '../../../src/cli/cli.ts';
import { startTestHub } from '../../support/hub.ts';
import { startTestSmtp } from '../../support/smtp.ts';
import { temporaryFolder } from '../../support/store.ts';

const NEVER = new AbortController().signal;

test('the hub makes reports by itself, shows them on the command line and mails them', async () => {
  using folder = temporaryFolder();
  await using smtp = await startTestSmtp();
  const clock = new ManualClock(Date.UTC(2026, 2, 2, 12));
  const env = {
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    FUNKYGIBBON_MQTT__MODE: 'off',
    FUNKYGIBBON_HOME__TIMEZONE: 'Europe/Berlin',
    FUNKYGIBBON_HOME__NAME: 'Villa',
    FUNKYGIBBON_REPORTS__MAIL__HOST: '127.0.0.1',
    FUNKYGIBBON_REPORTS__MAIL__PORT: String(smtp.port),
    FUNKYGIBBON_REPORTS__MAIL__TLS: 'none',
    FUNKYGIBBON_REPORTS__MAIL__FROM: 'hub@example.org',
    FUNKYGIBBON_REPORTS__MAIL__TO: 'ana@example.org',
    FUNKYGIBBON_REPORTS__MAIL__KINDS: 'daily',
  };
  const cli = async (...words: string[]): Promise<string> =>
    await runReportCommand(readReportOrder(words), folder.path, NEVER);
  {
    await using hub = await startTestHub(folder.path, env, { clock });
    expect(hub.openParts).toContain('jobs');
    expect(await cli()).toContain('There is no report yet');
    await expect(cli('show', 'latest')).rejects.toThrow('There is no report yet.');
  }
  // Over night: the next start makes up for what the schedule would have brought.
  clock.advance(17.5 * 3_600_000);
  await using hub = await startTestHub(folder.path, env, { clock });
  await vi.waitFor(async () => expect(await cli()).toMatch(/^daily-2026-03-02 +daily .*mail sent$/m), {
    timeout: 15_000,
    interval: 100,
  });
  expect(smtp.mails).toHaveLength(1);
  expect(smtp.mails[0]?.data).toContain('Subject: Villa: Daily report, Monday, 2 March 2026');
  const file = join(folder.path, 'report.html');
  expect(await cli('show', 'latest', '--html', file)).toBe(`The page is in ${file}.`);
  expect(readFileSync(file, 'utf8')).toContain('<h1>Monday, 2 March 2026</h1>');
  expect(await cli('show', 'daily-2026-03-02')).toContain('Villa: Daily report, Monday, 2 March 2026');
  expect(JSON.parse(await cli('show', 'latest', '--json'))).toMatchObject({
    report_version: 1,
    home: 'Villa',
  });
  expect(await cli('make', 'daily', '2026-03-02')).toContain('Made daily-2026-03-02');
  expect(await cli('send', 'latest')).toContain('is on its way by mail');
  await vi.waitFor(() => expect(smtp.mails).toHaveLength(2), { timeout: 10_000 });
  expect(hub.ready.http_url).toContain('http://');
}, 40_000);
