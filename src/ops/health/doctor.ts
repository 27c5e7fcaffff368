import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, totalmem } from 'node:os';
import { join } from 'node:path';

import type { Check, Finding } from './types.ts';

import { systemClock } from '../../base/clock.ts';
import { errorCode, errorText } from '../../base/errors.ts';
import { outerAddresses } from '../../base/neighbourhood.ts';
import { sizeText } from '../io.ts';
import { clockCheck } from './checks/clock.ts';
import { diskCheck } from './checks/disk.ts';

/** What the configuration says, as far as it can be looked at from outside. */
export interface DoctorConfig {
  readonly dataDir: string;
  /** The name of the database in it. */
  readonly databaseFile: string;
  /** The file that was read; null where there was none. */
  readonly file: string | null;
  /** Ports that the hub listens on; those that are 0 are left out. */
  readonly ports: readonly { readonly key: string; readonly host: string; readonly port: number }[];
  readonly advertiser: string;
  readonly isAnnounced: boolean;
}

/** Where the machine is looked at; a test has a machine of its own. */
export interface Machine {
  /** Before every absolute path. */
  readonly root?: string;
}

/** What can be seen of the machine whether the hub runs or not. */
export function machineChecks(config: DoctorConfig | null, { root = '' }: Machine = {}): Check[] {
  return [
    nodeCheck(),
    ...(config ? [dataDirCheck(config)] : []),
    networkCheck(root),
    ...(config ? [avahiCheck(config, root)] : []),
    cgroupCheck(root),
  ];
}

/** What the running hub would have looked at itself. */
export function absentHubChecks(config: DoctorConfig): Check[] {
  return [
    {
      name: 'hub',
      look: () => ({
        status: 'warn',
        summary: `No hub runs on ${config.dataDir}.`,
        whatToDo:
          'Start it: `sudo systemctl start funkygibbon`, or `funkygibbon start`. Where it does not stay: `journalctl -u funkygibbon -n 50`.',
      }),
    },
    ...(existsSync(config.dataDir) ? [diskCheck(config.dataDir)] : []),
    clockCheck(systemClock),
    portsCheck(config.ports),
  ];
}

function nodeCheck(): Check {
  return {
    name: 'node',
    look: () =>
      'Temporal' in globalThis
        ? { status: 'ok', summary: `Node ${process.versions.node} on ${process.arch}.` }
        : {
            status: 'fail',
            summary: `Node ${process.versions.node} is too old for the hub.`,
            whatToDo: 'Install Node 26 or newer.',
          },
  };
}

function dataDirCheck({ dataDir: folder, databaseFile }: DoctorConfig): Check {
  return {
    name: 'data_dir',
    look: () => {
      const found = statSync(folder, { throwIfNoEntry: false });
      if (!found) {
        return {
          status: 'warn',
          summary: `${folder} is not there: the first start of the hub makes it.`,
          whatToDo: 'Where the hub was started before: is this the right data_dir, and is its disk mounted?',
        };
      }
      return folderFinding(folder, found) ?? databaseFinding(join(folder, databaseFile));
    },
  };
}

function folderFinding(folder: string, { mode, uid }: { mode: number; uid: number }): Finding | undefined {
  if (mode & 0o077) {
    return {
      status: 'warn',
      summary: `Others may look into ${folder}, which holds the keys of the home.`,
      whatToDo: `\`sudo chmod 700 ${folder}\`; the hub does it at its next start where it may.`,
    };
  }
  const own = process.getuid?.();
  if (own !== undefined && own !== 0 && uid !== own) {
    return {
      status: 'warn',
      summary: `${folder} belongs to another user than the one who asks.`,
      whatToDo: 'Run this as the user of the hub: `sudo -u funkygibbon funkygibbon doctor`.',
    };
  }
  return undefined;
}

function databaseFinding(file: string): Finding {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found)
    return { status: 'ok', summary: 'There is no database yet: the first start of the hub makes it.' };
  const isSqlite = beginningOf(file, 15) === 'SQLite format 3';
  if (!isSqlite) {
    return {
      status: 'fail',
      summary: `${file} is no database.`,
      whatToDo: 'Move it away, and restore a backup.',
    };
  }
  return { status: 'ok', summary: `${file} has ${sizeText(found.size)}.` };
}

/** The first bytes of a file that may be large. */
function beginningOf(file: string, length: number): string {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}

function portsCheck(ports: DoctorConfig['ports']): Check {
  return {
    name: 'ports',
    look: async () => {
      const tried = await Promise.all(
        ports.map(async ({ key, host, port }) => ({ key, port, error: await whyNotListen(host, port) })),
      );
      const taken = tried.find(({ error }) => error !== null);
      if (!taken) {
        const list = ports.map(({ port }) => port).join(', ');
        return { status: 'ok', summary: list === '' ? 'Any free ones are taken.' : `${list} are free.` };
      }
      const { key, port, error } = taken;
      if (errorCode(error) === 'EADDRINUSE') {
        return {
          status: 'fail',
          summary: `Port ${port} (${key}) is in use by another program: the hub cannot start.`,
          whatToDo: `\`sudo ss -tlnp 'sport = :${port}'\` shows which. Stop it, or set ${key}.`,
        };
      }
      return {
        status: 'fail',
        summary: `Port ${port} (${key}) cannot be opened: ${errorText(error)}.`,
        whatToDo: `Set ${key} to 1024 or above, and its host to an address of this machine.`,
      };
    },
  };
}

async function whyNotListen(host: string, port: number): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const server = createServer();
  server.once('error', resolve);
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  return await promise;
}

function networkCheck(root: string): Check {
  return {
    name: 'network',
    look: () => {
      const addresses = outerAddresses();
      if (addresses.length === 0) {
        return {
          status: 'warn',
          summary: 'This machine has no network: only itself can reach the hub.',
          whatToDo: 'Look at the cable or the Wi-Fi: `ip address`, `nmcli device`.',
        };
      }
      const isSixOff = textOf(`${root}/proc/sys/net/ipv6/conf/all/disable_ipv6`)?.trim() === '1';
      const hasSix = Object.values(networkInterfaces()).some((own) =>
        own?.some(({ family, internal }) => family === 'IPv6' && !internal),
      );
      const summary = `${addresses.join(', ')}.`;
      if (hasSix && !isSixOff) return { status: 'ok', summary };
      return {
        status: 'ok',
        summary: `${summary} There is no IPv6 here: phones at home like to use it, and without it some take longer to find the hub.`,
      };
    },
  };
}

function avahiCheck({ advertiser, isAnnounced }: DoctorConfig, root: string): Check {
  return {
    name: 'avahi',
    look: () => {
      const runs = existsSync(`${root}/run/avahi-daemon/socket`);
      if (!isAnnounced) return { status: 'off', summary: 'Nothing is announced: mdns.enabled is false.' };
      if (advertiser === 'avahi' && !runs) {
        return {
          status: 'fail',
          summary: 'homekit.advertiser is avahi, and no avahi-daemon runs here: phones do not find the hub.',
          whatToDo: '`sudo apt install avahi-daemon`, or set homekit.advertiser to ciao.',
        };
      }
      return {
        status: 'ok',
        summary: runs
          ? 'avahi-daemon runs beside the hub. Where phones do not find it, set homekit.advertiser to avahi.'
          : 'No avahi-daemon runs here; the hub announces itself.',
      };
    },
  };
}

/** Without it systemd cannot keep the hub, or what runs beside it, from taking all memory. */
function cgroupCheck(root: string): Check {
  return {
    name: 'memory_limits',
    look: () => {
      const controllers = textOf(`${root}/sys/fs/cgroup/cgroup.controllers`);
      if (controllers === null) return { status: 'off', summary: 'This system does not tell.' };
      if (controllers.split(/\s+/).includes('memory')) {
        return { status: 'ok', summary: `Can be set; the machine has ${sizeText(totalmem())}.` };
      }
      return {
        status: 'warn',
        summary: 'The kernel was started without memory control: MemoryMax of the service has no effect.',
        whatToDo:
          'Add `cgroup_enable=memory` to the one line of /boot/firmware/cmdline.txt, and restart the machine.',
      };
    },
  };
}

function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
