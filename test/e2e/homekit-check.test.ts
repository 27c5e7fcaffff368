import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { HomekitCheck } from '../../src/cli/homekit-check.ts';

import { buildDaemon, Daemon } from '../support/daemon.ts';
import { canMakeNetworks, TestCable } from '../support/networks.ts';
import { temporaryFolder } from '../support/store.ts';

const LAUNCHER = fileURLToPath(new URL('../../scripts/funkygibbon', import.meta.url));

describe.skipIf(!canMakeNetworks)('the check in a network without IPv4 (needs root and iproute2)', () => {
  const folder = temporaryFolder();
  let cable: TestCable;
  let daemon: Daemon;

  beforeAll(async () => {
    await buildDaemon();
    cable = TestCable.lay('check', '10.77.0.1', '10.77.0.2');
    cable.run(cable.left, ['ip', 'address', 'flush', 'dev', 'eth0', 'scope', 'global']);
    // An address that is still being tried cannot be used.
    const tentative = ['ip', '-6', 'address', 'show', 'dev', 'eth0', 'tentative'];
    await vi.waitFor(() => expect(cable.run(cable.left, tentative)).toBe(''), {
      timeout: 8000,
      interval: 100,
    });
    daemon = await Daemon.start({
      dataDir: folder.path,
      prefix: ['ip', 'netns', 'exec', cable.left],
      env: { FUNKYGIBBON_MDNS__ENABLED: 'true' },
    });
  }, 60_000);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  function check(): HomekitCheck {
    const words = [LAUNCHER, 'homekit', 'check', '--json', '--data-dir', folder.path];
    // It exits with 1 where something is wrong, and prints what all the same.
    return JSON.parse(cable.run(cable.left, ['sh', '-c', '"$@" || true', 'sh', ...words])) as HomekitCheck;
  }

  test('opens the port by the address that there is, and says why the bridge is not announced there', () => {
    const { port } = daemon.ready.homekit;
    expect(check()).toEqual({
      ok: false,
      bridges: [
        {
          name: 'FunkyGibbon',
          port,
          problem: null,
          announced: [],
          answers: [expect.stringMatching(/^fe80:.*%eth0$/), '127.0.0.1'],
          silent: [],
          advice: [
            expect.stringMatching(/^Its announcement was not heard: this machine has IPv6 addresses only/),
          ],
        },
      ],
    });
  });
});
