import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { PairingInfo } from '../../src/cli/types.ts';

import { buildDaemon, Daemon, runCommand } from '../support/daemon.ts';
import { temporaryFolder } from '../support/store.ts';

interface Sighting {
  readonly event: 'up' | 'down';
  readonly type: string;
  readonly name: string;
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

/** A network of its own needs root and iproute2; what is announced there reaches nobody else. */
const canMakeNetworks = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;

describe.skipIf(!canMakeNetworks)('in a network namespace of its own (needs root and iproute2)', () => {
  const network = `fg-test-${process.pid}`;
  const inNetwork = ['ip', 'netns', 'exec', network];
  const folder = temporaryFolder();
  const sightings: Sighting[] = [];
  let finder: ChildProcess;
  let daemon: Daemon;

  beforeAll(async () => {
    await buildDaemon();
    execFileSync('ip', ['netns', 'add', network]);
    execFileSync('ip', ['-n', network, 'link', 'set', 'lo', 'up']);
    execFileSync('ip', ['-n', network, 'route', 'add', '224.0.0.0/4', 'dev', 'lo']);
    const script = fileURLToPath(new URL('find-services.ts', import.meta.url));
    const [program, ...words] = [...inNetwork, process.execPath, script];
    finder = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    finder.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      sightings.push(...lines.map((line) => JSON.parse(line) as Sighting));
    });
    daemon = await Daemon.start({
      dataDir: folder.path,
      prefix: inNetwork,
      env: { FUNKYGIBBON_MDNS__ENABLED: 'true', FUNKYGIBBON_HOME__NAME: 'Villa Kunterbunt' },
    });
  }, 60_000);
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    const ended = once(finder, 'exit');
    finder.kill();
    await ended;
    execFileSync('ip', ['netns', 'delete', network]);
    folder[Symbol.dispose]();
  });

  async function sighting(event: Sighting['event'], type: string): Promise<Sighting> {
    return await vi.waitFor(
      () => {
        const found = sightings.find((one) => one.event === event && one.type === type);
        if (!found) throw new Error(`no ${type} went ${event} among ${JSON.stringify(sightings)}`);
        return found;
      },
      { timeout: 10_000, interval: 20 },
    );
  }

  test('bonjour finds the hub by its home’s name, with the facts and no secret', async () => {
    const { name, port, txt } = await sighting('up', 'funkygibbon');
    expect(name).toBe('Villa Kunterbunt');
    expect(port).toBe(Number(new URL(daemon.ready.http_url).port));
    expect(txt).toEqual({
      txtvers: '1',
      id: daemon.ready.node_id,
      ver: expect.any(String),
      api: '/api',
      proto: expect.stringContaining('inbetweenies-v1'),
    });
  });

  test('the HomeKit bridge is announced beside it', async () => {
    const { homekit } = JSON.parse(
      await runCommand(['pair', '--json', '--data-dir', folder.path]),
    ) as PairingInfo;
    const { port, txt } = await sighting('up', 'hap');
    expect(port).toBe(daemon.ready.homekit.port);
    expect(txt['id']).toBe(homekit?.username);
  });

  test('both are withdrawn when the hub stops', async () => {
    expect(await daemon.stop()).toBe(0);
    await sighting('down', 'funkygibbon');
    await sighting('down', 'hap');
  });
});
