import type { Actor } from '../access/types.ts';
import type { Logger } from '../base/log.ts';
import type { Graph } from '../graph/graph.ts';
import type { Approvals } from './approvals.ts';
import type { Library } from './library.ts';
import type { AutomationDevices, AutomationRights, Decision, Definition, Run } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { parseContent } from '../graph/graph.ts';
import { checkEntitled } from './rights.ts';

export interface DecisionsOptions {
  readonly graph: Graph;
  readonly devices: Pick<AutomationDevices, 'view'>;
  readonly rights: AutomationRights;
  readonly library: Library;
  readonly approvals: Approvals;
  readonly log: Logger;
}

/** What people decide about automations: whether one runs, and who answers for it. Each decision is in the audit log. */
export class Decisions {
  readonly #options: DecisionsOptions;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** @throws HubError `invalid`, `forbidden`. */
  enable(definition: Definition, by: Actor): void {
    this.checkRun(definition, by);
    const { wanted, entityId } = definition;
    // It is wanted before it is approved: what is approved and switched off loses its approval.
    if (!wanted) this.#setWanted(entityId, true, by);
    this.#options.approvals.approve(definition, by.principal.userId);
    this.#record(wanted ? 'automation.approve' : 'automation.enable', definition, by);
  }

  /** @throws HubError `conflict` for one that is switched off, `invalid`, `forbidden`. */
  approve(definition: Definition, by: Actor): void {
    if (!definition.wanted)
      throw new HubError('conflict', `${definition.name} is switched off: enable it instead.`);
    this.enable(definition, by);
  }

  disable(definition: Definition, by: Actor): void {
    if (definition.wanted) this.#setWanted(definition.entityId, false, by);
    this.#record('automation.disable', definition, by);
  }

  /** @throws HubError `invalid` where it cannot run, `forbidden` where this person may not do all that it does. */
  checkRun(definition: Definition, by: Actor): void {
    const [problem] = definition.problems;
    if (problem)
      throw new HubError('invalid', `It cannot run. ${problem.path}: ${problem.message}`, {
        field: problem.path,
      });
    checkEntitled(definition, by.principal, this.#options);
  }

  noteRun({ id, outcome }: Run, definition: Definition, by: Actor, force: boolean): void {
    this.#record('automation.run', definition, by, { run: id, outcome, ...(force ? { force } : {}) });
  }

  /**
   * Somebody has written it. It is theirs where they changed what it does, switched it on, or it was approved as it was; what
   * came by another way and is only renamed is not.
   */
  edited(after: Definition, before: Definition | undefined, by: Actor): void {
    const { approvals, log } = this.#options;
    if (!after.wanted) {
      if (before?.wanted === true) this.#record('automation.disable', after, by);
      return;
    }
    const isTheirs = !before || before.hash !== after.hash || !before.wanted;
    if (!isTheirs && !approvals.standing(after)) return;
    try {
      checkEntitled(after, by.principal, this.#options);
    } catch (error) {
      if (isTheirs)
        log.info({ automation: after.entityId, reason: errorText(error) }, 'an automation is held');
      return;
    }
    approvals.approve(after, by.principal.userId);
    if (isTheirs) this.#record('automation.approve', after, by);
  }

  /** Why one that somebody let run will do nothing, or null. */
  doubtOf(definition: Definition, approvedBy: string): string | null {
    const principal = this.#options.rights.principalOf(approvedBy);
    if (!principal) return 'Who enabled it is not a user of this home any more.';
    try {
      checkEntitled(definition, principal, this.#options);
      return null;
    } catch (error) {
      return errorText(error);
    }
  }

  #record(action: Decision['action'], { entityId, name }: Definition, by: Actor, more: object = {}): void {
    this.#options.rights.record({ action, by, entityId, details: { name: name.slice(0, 200), ...more } });
  }

  #setWanted(entityId: string, enabled: boolean, { principal }: Actor): void {
    this.#options.graph.transaction((writer) => {
      const latest = writer.latest(entityId);
      if (!latest || latest.contentJson === null)
        throw new HubError('not_found', 'The automation was deleted.');
      const author = { userId: principal.userId, deviceId: 'http' };
      writer.replaceContent(entityId, { ...parseContent(latest), enabled }, author);
    });
  }
}
