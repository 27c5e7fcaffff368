import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { readDoctorOrder, runDoctor, type DoctorConfig } from '../../src/ops/doctor-command.ts';
import { machineChecks } from '../../src/ops/health/doctor.ts';
import { readLogsOrder, runLogs } from '../../src/ops/logs-command.ts';
import { temporaryFolder } from '../support/store.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const dataDir = (): string => mkdtempSync(join(folder.path, 'data-'));
const config = (change: Partial<DoctorConfig> = {}): DoctorConfig => ({
  dataDir: dataDir(),
  databaseFile: 'hub.db',
  file: null,
  ports: [],
  advertiser: 'auto',
  isAnnounced: true,
  ...change,
});
const visit = { configProblem: null, askHub: null, progress: (): void => undefined };

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly summary: string }[];
}

async function report(given: DoctorConfig | null, more: object = {}): Promise<Report & { exit: boolean }> {
  const order = readDoctorOrder(['--json']);
  const { text, ok } = await runDoctor(order, { ...visit, config: given, ...more });
  return { ...(JSON.parse(text) as Report), exit: ok };
}
const of = ({ checks }: Report, name: string): Report['checks'][number] | undefined =>
  checks.find((check) => check.name === name);

test('without a hub it says so, and which port keeps one from starting', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const found = await report(config({ ports: [{ key: 'http.port', host: '127.0.0.1', port }] }));
  server.close();
  expect(found).toMatchObject({ ok: false, exit: false });
  expect(of(found, 'hub')?.status).toBe('warn');
  expect(of(found, 'ports')).toMatchObject({ status: 'fail' });
  expect(of(found, 'ports')?.summary).toContain(`Port ${port} (http.port)`);
});

test('a data folder that is not there, is open to others, or holds no database is told', async () => {
  expect(of(await report(config({ dataDir: '/nonexistent/hub' })), 'data_dir')?.summary).toContain(
    'not there',
  );
  const broken = config();
  writeFileSync(join(broken.dataDir, 'hub.db'), 'a picture of a cat, and no database');
  expect(of(await report(broken), 'data_dir')).toMatchObject({ status: 'fail' });
  writeFileSync(join(broken.dataDir, 'hub.db'), 'SQLite format 3\0 and so on');
  expect(of(await report(broken), 'data_dir')).toMatchObject({ status: 'ok' });
  const open = config();
  mkdirSync(join(open.dataDir, 'sub'), { mode: 0o755 });
  expect(of(await report({ ...open, dataDir: join(open.dataDir, 'sub') }), 'data_dir')?.summary).toContain(
    'Others may look',
  );
});

test('the machine: avahi that is needed, memory control that is off, a network', async () => {
  const root = dataDir();
  mkdirSync(join(root, 'sys/fs/cgroup'), { recursive: true });
  writeFileSync(join(root, 'sys/fs/cgroup/cgroup.controllers'), 'cpu io pids\n');
  const looked = async (given: DoctorConfig): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for (const check of machineChecks(given, { root })) {
      found.set(check.name, (await check.look(AbortSignal.timeout(1000))).status);
    }
    return found;
  };
  const found = await looked(config({ advertiser: 'avahi' }));
  expect(found.get('avahi')).toBe('fail');
  expect(found.get('memory_limits')).toBe('warn');
  expect(found.get('node')).toBe('ok');
  mkdirSync(join(root, 'run/avahi-daemon'), { recursive: true });
  writeFileSync(join(root, 'run/avahi-daemon/socket'), '');
  writeFileSync(join(root, 'sys/fs/cgroup/cgroup.controllers'), 'cpu memory\n');
  const mended = await looked(config({ advertiser: 'avahi' }));
  expect([mended.get('avahi'), mended.get('memory_limits')]).toEqual(['ok', 'ok']);
});

test('a configuration that is bad is one of the problems, and the machine is looked at all the same', async () => {
  const found = await report(null, { configProblem: 'http.port found "abc"' });
  expect(of(found, 'config')).toMatchObject({ status: 'fail', summary: 'http.port found "abc"' });
  expect(of(found, 'node')?.status).toBe('ok');
  expect(of(found, 'hub')).toBeUndefined();
});

test('what the running hub found is told for a person, with what to do; nothing of it steers the terminal', async () => {
  const said: string[] = [];
  const askHub = async (found: (piece: Uint8Array) => Promise<void>): Promise<unknown> => {
    await found(Buffer.from('{"name":"disk"}\n'));
    return {
      checks: [
        { name: 'disk', status: 'ok', summary: '5 GB are free.', what_to_do: null },
        {
          name: 'clients',
          status: 'warn',
          summary: 'ph\u001b[2Jone\nfails',
          what_to_do: 'Open the app. '.repeat(12),
        },
      ],
    };
  };
  const progress = (text: string): void => void said.push(text);
  const { text, ok } = await runDoctor(readDoctorOrder([]), { ...visit, config: config(), askHub, progress });
  expect(ok).toBe(false);
  expect(said.at(-1)).toContain('1 thing looked at');
  expect(text).toMatch(/^✓ disk {13}5 GB are free\.$/m);
  expect(text).toMatch(/^! clients {10}ph \[2Jone fails$/m);
  expect(text).toMatch(/^ {19}→ Open the app\./m);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(110);
  expect(text).toMatch(/1 problem: see what is marked with ! or ✗\.$/);
  expect(() => readDoctorOrder(['everything'])).toThrow('doctor takes');
});

test('the log is shown as it is on a terminal, and followed from where it ended', async () => {
  const asked: unknown[] = [];
  const stopped = new AbortController();
  const ask = async (
    args: Readonly<Record<string, unknown>>,
    output: (piece: Uint8Array) => Promise<void>,
  ): Promise<unknown> => {
    asked.push(args);
    if (asked.length === 2) stopped.abort();
    const line = {
      level: 'warn',
      time: '2026-01-01T10:00:00.000Z',
      part: 'mqtt',
      msg: `line ${asked.length}`,
    };
    await output(Buffer.from(JSON.stringify({ seq: asked.length, line })));
    return { last: asked.length };
  };
  let text = '';
  const write = async (piece: string): Promise<void> => {
    text += piece;
    await Promise.resolve();
  };
  await runLogs(readLogsOrder(['-f', '--level', 'warn', '--part=mqtt']), ask, write, stopped.signal);
  expect(text).toBe('10:00:00 ! mqtt     line 1\n10:00:00 ! mqtt     line 2\n');
  expect(asked).toMatchObject([
    { level: 'warn', part: 'mqtt', limit: 50 },
    { after: 1, limit: 2000 },
  ]);
  expect(readLogsOrder(['--lines', '7', '--data-dir', '/x'])).toMatchObject({
    lines: 7,
    follow: false,
    configFlags: ['--data-dir', '/x'],
  });
  for (const wrong of [['--lines', '0'], ['--level', 'loud'], ['all'], ['--part']]) {
    expect(() => readLogsOrder(wrong)).toThrow(/takes/);
  }
});
