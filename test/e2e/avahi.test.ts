import { spawn, spawnSync, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { HomekitCheck } from '../../src/cli/homekit-check.ts';

import { buildDaemon, Daemon } from '../support/daemon.ts';
import { canMakeNetworks, TestCable } from '../support/networks.ts';
import { temporaryFolder } from '../support/store.ts';

/** Another one than that of the system, where it is not installed: `AVAHI_DAEMON=/tmp/x/usr/sbin/avahi-daemon`. */
const AVAHI = process.env['AVAHI_DAEMON'] ?? 'avahi-daemon';
const haveAvahi = [AVAHI, 'dbus-daemon'].every((program) => spawnSync(program, ['--version']).status === 0);

interface Sighting {
  readonly event: 'up' | 'down';
  readonly type: string;
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

/** D-Bus, open to all who reach its socket, for this network alone. */
function busConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
`;
}

/**
 * Gives avahi a /run of its own, where its pid file lies, and the user that it insists on: `ip netns exec` gives each
 * command its own mounts, so that nobody else sees these.
 */
const AVAHI_LINE = `
set -e
mount -t tmpfs tmpfs /run
if ! id avahi >/dev/null 2>&1; then
  cp /etc/passwd /etc/group /run
  echo 'avahi:x:64999:64999::/:/bin/false' >> /run/passwd
  echo 'avahi:x:64999:' >> /run/group
  mount --bind /run/passwd /etc/passwd
  mount --bind /run/group /etc/group
fi
exec "$0" --no-drop-root --no-chroot --no-rlimits -f "$1"
`;

const AVAHI_CONFIG = `[server]
host-name=fg-test
use-ipv4=yes
use-ipv6=no
allow-interfaces=eth0
enable-dbus=yes
`;

describe.skipIf(!canMakeNetworks || !haveAvahi)(
  'announced by avahi (needs avahi-daemon, dbus-daemon, root and iproute2)',
  () => {
    const folder = temporaryFolder();
    const configs = temporaryFolder();
    const socket = join(configs.path, 'bus');
    const bus = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` };
    const children: ChildProcess[] = [];
    const sightings: Sighting[] = [];
    let cable: TestCable;
    let avahi: ChildProcess;
    let daemon: Daemon;

    beforeAll(async () => {
      await buildDaemon();
      cable = TestCable.lay('avahi', '10.77.0.1', '10.77.0.2');
      writeFileSync(join(configs.path, 'bus.conf'), busConfig(socket));
      writeFileSync(join(configs.path, 'avahi.conf'), AVAHI_CONFIG);
      start(cable.left, ['dbus-daemon', `--config-file=${join(configs.path, 'bus.conf')}`, '--nofork']);
      await vi.waitFor(() => expect(existsSync(socket)).toBe(true), { timeout: 5000 });
      avahi = await startAvahi();
      listen();
      daemon = await Daemon.start({
        dataDir: folder.path,
        prefix: ['ip', 'netns', 'exec', cable.left],
        env: { ...bus, FUNKYGIBBON_MDNS__ENABLED: 'true', FUNKYGIBBON_HOMEKIT__ADVERTISER: 'avahi' },
      });
    }, 60_000);
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      for (const child of children) await end(child);
      cable?.[Symbol.dispose]();
      folder[Symbol.dispose]();
      configs[Symbol.dispose]();
    });

    function start(network: string, words: readonly string[]): ChildProcessWithoutNullStreams {
      const child = spawn('ip', ['netns', 'exec', network, ...words], {
        stdio: 'pipe',
        env: { ...process.env, ...bus },
      });
      // What nobody reads must not stop it.
      child.stdout.resume();
      child.stderr.resume();
      children.push(child);
      return child;
    }

    /** Resolves when it is up, and can be asked over D-Bus. */
    async function startAvahi(): Promise<ChildProcess> {
      const child = start(cable.left, ['sh', '-c', AVAHI_LINE, AVAHI, join(configs.path, 'avahi.conf')]);
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      await vi.waitFor(() => expect(text).toContain('Server startup complete'), { timeout: 8000 });
      return child;
    }

    /** The other machine on the cable. */
    function listen(): void {
      const script = fileURLToPath(new URL('find-services.ts', import.meta.url));
      const finder = start(cable.right, [process.execPath, script, '10.77.0.2']);
      let text = '';
      finder.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        sightings.push(...lines.map((one) => JSON.parse(one) as Sighting));
      });
    }

    async function sighting(event: Sighting['event']): Promise<Sighting> {
      return await vi.waitFor(
        () => {
          const found = sightings.find((one) => one.event === event && one.type === 'hap');
          if (!found)
            throw new Error(`no bridge went ${event} among ${JSON.stringify(sightings)}\n${daemon.log}`);
          return found;
        },
        { timeout: 15_000, interval: 20 },
      );
    }

    test('another machine finds the bridge, and the check says that all is well', async () => {
      const { port, txt } = await sighting('up');
      expect(port).toBe(daemon.ready.homekit.port);
      expect(txt).toMatchObject({ sf: '1', ci: '2', 'c#': expect.any(String) as unknown });
      expect(daemon.log).not.toContain("isn't available on this platform");
      const launcher = fileURLToPath(new URL('../../scripts/funkygibbon', import.meta.url));
      const words = [launcher, 'homekit', 'check', '--json', '--data-dir', folder.path];
      const check = JSON.parse(cable.run(cable.left, words)) as HomekitCheck;
      expect(check).toMatchObject({ ok: true, bridges: [{ announced: [port], advice: [] }] });
    });

    test('when avahi was restarted the bridge is announced again', async () => {
      sightings.length = 0;
      await end(avahi);
      await sighting('down');
      sightings.length = 0;
      avahi = await startAvahi();
      expect((await sighting('up')).port).toBe(daemon.ready.homekit.port);
    }, 40_000);

    test('it is withdrawn when the hub stops', async () => {
      sightings.length = 0;
      expect(await daemon.stop()).toBe(0);
      await sighting('down');
    });
  },
);

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}
