import { expect, test } from 'vitest';

import { Inventory } from '../../src/devices/inventory.ts';
import { checkWithdrawn } from '../../src/devices/withdrawn.ts';

const HOUR_MS = 3600_000;

/** What somebody announced and withdrew, one after the other. */
function withdrawnInventory(count: number, withdrawnAtMs: number | null): Inventory {
  const inventory = new Inventory();
  const device = inventory.addDevice({
    key: 1,
    entityId: 'e',
    discovered: {},
    personKeys: [],
    seenSeq: 0,
  });
  const info = {
    identifiers: ['id:churn'],
    name: null,
    manufacturer: null,
    model: null,
    swVersion: null,
    hwVersion: null,
    serialNumber: null,
    suggestedArea: null,
  };
  for (let n = 0; n < count; n += 1) {
    const description = {
      id: `sensor/churn/${n}`,
      type: 'sensor',
      device: info,
      label: null,
      deviceClass: null,
      category: null,
      capabilities: [],
      unsupported: null,
      enabledByDefault: true,
    };
    inventory.addComponent(device, {
      key: n,
      firstId: description.id,
      description,
      available: true,
      withdrawnAtMs,
    });
  }
  return inventory;
}

test('inventing devices and withdrawing them ends at a limit, and a day later there is room again', () => {
  const full = withdrawnInventory(5_000, HOUR_MS);
  expect(() => checkWithdrawn(full, 0)).toThrow('5000 components were withdrawn in the last 24 hours');
  expect(() => checkWithdrawn(full, HOUR_MS)).not.toThrow();
  expect(() => checkWithdrawn(withdrawnInventory(4_999, HOUR_MS), 0)).not.toThrow();
  expect(() => checkWithdrawn(withdrawnInventory(8_000, null), 0)).not.toThrow();
});
