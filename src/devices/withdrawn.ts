import type { Inventory } from './inventory.ts';

import { HubError } from '../base/errors.ts';

/** Whoever invents devices and withdraws them must not fill memory and disk. */
const MAX_WITHDRAWN = 5_000;

/**
 * Whether there is room for one more component: a day later there is again.
 * @throws HubError `invalid` when too many were withdrawn since.
 */
export function checkWithdrawn({ byComponentId }: Inventory, sinceMs: number): void {
  if (byComponentId.size < MAX_WITHDRAWN) return;
  let withdrawn = 0;
  for (const { withdrawnAtMs } of byComponentId.values()) {
    if (withdrawnAtMs !== null && withdrawnAtMs > sinceMs) withdrawn += 1;
  }
  if (withdrawn < MAX_WITHDRAWN) return;
  throw new HubError(
    'invalid',
    `${MAX_WITHDRAWN} components were withdrawn in the last 24 hours; new ones are taken again later`,
  );
}
