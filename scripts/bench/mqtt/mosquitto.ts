import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = '/usr/sbin/mosquitto';
export const hasMosquitto = existsSync(PROGRAM);

/** Debian's broker on a free port, which lets everybody in and drops nothing of a slow reader. */
export async function startMosquitto(): Promise<{ readonly url: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'max_queued_messages 0',
    'log_dest stderr',
    'log_type information',
  ];
  writeFileSync(file, lines.join('\n'));
  const child = spawn(PROGRAM, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  while (!log.includes('running')) {
    const [chunk] = (await once(child.stderr.setEncoding('utf8'), 'data')) as [string];
    log += chunk;
  }
  child.stderr.resume();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
