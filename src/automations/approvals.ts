import type { Clock } from '../base/clock.ts';
import type { Store } from '../base/store.ts';
import type { Definition } from './types.ts';

import { readApprovals, type Approval } from './reader.ts';
import { putApproval } from './writer.ts';

/** Who answers for what automations do. */
export class Approvals {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #byId: Map<string, Approval>;

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
    this.#byId = readApprovals(store.db);
  }

  /** The approval of what it does now; undefined where there is none, or it was for something else. */
  standing({ entityId, hash }: Pick<Definition, 'entityId' | 'hash'>): Approval | undefined {
    const approval = this.#byId.get(entityId);
    return approval?.hash === hash ? approval : undefined;
  }

  approve({ entityId, hash }: Definition, approvedBy: string): void {
    const approval = { hash, approvedBy, approvedMs: this.#clock.nowMs() };
    this.#store.write((tx) => putApproval(tx, entityId, approval));
    this.#byId.set(entityId, approval);
  }
}
