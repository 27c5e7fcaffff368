import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

import { silentLogger } from '../../src/base/log.ts';
import { ServiceManager } from '../../src/ops/service-manager.ts';

const canReceive =
  spawnSync('python3', ['--version']).status === 0 && spawnSync('systemd-notify', ['--version']).status === 0;

/** What systemd would be told, line by line. */
async function listen(): Promise<{ socket: string; heard: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'));
  const socket = join(folder, 'notify.sock');
  const receiver: ChildProcess = spawn('python3', [join(import.meta.dirname, 'notify-receiver.py'), socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const heard: string[] = [];
  const lines = createInterface({ input: receiver.stdout! });
  lines.on('line', (line) => heard.push(line));
  onTestFinished(async () => {
    receiver.kill();
    if (receiver.exitCode === null && receiver.signalCode === null) await once(receiver, 'exit');
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(() => expect(heard).toEqual(['listening']), 10_000);
  heard.length = 0;
  // The messages are sent by a child process, which has it from here.
  vi.stubEnv('NOTIFY_SOCKET', socket);
  onTestFinished(() => void vi.unstubAllEnvs());
  return { socket, heard };
}

describe('what systemd is told', () => {
  test('nothing where it does not ask', () => {
    expect(ServiceManager.fromEnvironment({ env: {}, log: silentLogger })).toBeNull();
  });

  test('a watchdog that is meant for another process is not fed', () => {
    const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '60000000' };
    const watched = (pid: number): number | null | undefined =>
      ServiceManager.fromEnvironment({ env: { ...env, WATCHDOG_PID: String(pid) }, log: silentLogger })
        ?.watchdogMs;
    expect(watched(process.pid)).toBe(60_000);
    expect(watched(process.pid + 1)).toBeNull();
  });

  test.runIf(canReceive)('ready, alive for as long as it is, and stopping', async () => {
    const { heard, socket } = await listen();
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' };
    using manager = ServiceManager.fromEnvironment({ env, log: silentLogger })!;
    await manager.ready('12 devices');
    expect(heard).toEqual(['READY=1 STATUS=12 devices']);
    let isAlive = true;
    let asked = 0;
    manager.watch(async () => {
      asked += 1;
      return await Promise.resolve(isAlive);
    });
    await vi.waitFor(() => expect(heard.filter((line) => line === 'WATCHDOG=1').length).toBeGreaterThan(1));
    isAlive = false;
    const [before, feeds] = [asked, heard.length];
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 2), 5_000);
    // One may have been on its way.
    expect(heard.length - feeds).toBeLessThanOrEqual(1);
    await manager.stopping();
    expect(heard.at(-1)).toBe('STOPPING=1 STATUS=Stopping');
  });

  test.runIf(canReceive)('nothing by a check that never ends', async () => {
    const { heard, socket } = await listen();
    const log = { ...silentLogger, error: vi.fn<(about: unknown, text: string) => void>() };
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000' };
    using manager = ServiceManager.fromEnvironment({ env, log: log as never })!;
    manager.watch(async () => await new Promise<boolean>(() => undefined));
    await vi.waitFor(() => expect(log.error.mock.calls.length).toBeGreaterThan(1));
    expect(heard).toEqual([]);
  });

  test('a machine without systemd-notify is said once, and the hub goes on', async () => {
    vi.stubEnv('PATH', '/nowhere');
    onTestFinished(() => void vi.unstubAllEnvs());
    const error = vi.fn<(about: unknown, text: string) => void>();
    using manager = ServiceManager.fromEnvironment({
      env: { NOTIFY_SOCKET: '/run/nobody' },
      log: { ...silentLogger, error } as never,
    })!;
    await manager.ready('x');
    await manager.status('y');
    expect(error).toHaveBeenCalledTimes(1);
  });
});
