import type { Clock } from '../base/clock.ts';
import type { Store } from '../base/store.ts';
import type { Definition } from './types.ts';

import { readApprovals, type Approval } from './reader.ts';
import { deleteApproval, putApproval } from './writer.ts';

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

  /**
   * Withdraws the approvals of what is deleted, switched off or changed: brought back, switched on or changed back by
   * somebody who may not do what it does, it must not run with the rights of who had approved it.
   * @param find the automation of an id as it is now.
   */
  withdrawStale(find: (entityId: string) => Definition | undefined): void {
    const stale = [...this.#byId].flatMap(([entityId, { hash }]) => {
      const definition = find(entityId);
      return definition?.wanted === true && definition.hash === hash ? [] : [entityId];
    });
    if (stale.length === 0) return;
    this.#store.write((tx) => {
      for (const entityId of stale) deleteApproval(tx, entityId);
    });
    for (const entityId of stale) this.#byId.delete(entityId);
  }
}
