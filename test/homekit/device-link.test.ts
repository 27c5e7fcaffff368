import { expect, test } from 'vitest';

import type { CommandStatus } from '../../src/devices/types.ts';

import { silentLogger } from '../../src/base/log.ts';
import { DeviceLink } from '../../src/homekit/device-link.ts';
import { FakeDevices } from './fake-devices.ts';

/** Devices behind a broker that passes an order on in turns of its own, as the hub's does. */
class PassedOn extends FakeDevices {
  sent = 0;

  override async command(): Promise<CommandStatus> {
    setImmediate(() => {
      this.sent += 1;
    });
    return await Promise.resolve('sent');
  }
}

test('an order is answered when it has left the hub, and not before', async () => {
  const devices = new PassedOn();
  const link = new DeviceLink({ entityId: '01', devices, log: silentLogger, followMs: 300 });
  link.load(true, new Map());
  await link.command([{ capability: 'on_off', value: true }], 'homekit:test');
  expect(devices.sent).toBe(1);
});
