import type { Principal } from '../access/types.ts';
import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Graph } from '../graph/graph.ts';
import type { Approvals } from './approvals.ts';
import type { Causes } from './causes.ts';
import type { Circumstances } from './conditions.ts';
import type { Library } from './library.ts';
import type {
  Action,
  ActionResult,
  AutomationDevices,
  AutomationRights,
  Definition,
  Outcome,
  Run,
} from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { allHold } from './conditions.ts';
import { grouped } from './parse.ts';
import { readRun } from './reader.ts';
import { checkEntitled, sceneWrites } from './rights.ts';
import { RunRecords, type Firing } from './run-records.ts';
import { Turns } from './turns.ts';

const MAX_SCENE_DEPTH = 4;
/** A list of actions that goes on for ever would be one of scenes that run scenes. */
const MAX_ACTIONS = 200;

export interface RunnerOptions {
  readonly store: Store;
  readonly graph: Graph;
  readonly devices: AutomationDevices;
  readonly rights: AutomationRights;
  readonly library: Library;
  readonly approvals: Approvals;
  readonly causes: Causes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly circumstances: () => Circumstances;
}

/** Runs automations: writes down that it will, does it, writes down what came of it. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #records: RunRecords;
  readonly #turns: Turns;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#records = new RunRecords(options);
    this.#turns = new Turns(options.log);
  }

  /** Runs an automation that a trigger fires, unless it has done so for this firing, may not, or its conditions do not hold. */
  fire(firing: Firing): void {
    const { definition, key, chain } = firing;
    const { causes, circumstances, log } = this.#options;
    if (key !== null && this.#records.has(key)) return;
    const told: string[] = [];
    const result = allHold(definition.conditions, circumstances(), told);
    const why = told.length > 0 ? { conditions: told } : {};
    if (result !== true) {
      const reason = result === null ? 'a condition is unknown' : 'a condition does not hold';
      if (key !== null || causes.isFirst(`conditions ${definition.entityId}`)) {
        this.#records.record(firing, 'conditions', { ...why, reason });
      }
      return;
    }
    const refusal = causes.refusal(definition.entityId, chain) ?? this.#tooMany(definition.entityId);
    if (refusal) {
      if (!refusal.isFirst) return;
      log.warn({ automation: definition.entityId, reason: refusal.reason }, 'an automation was stopped');
      this.#records.record(firing, 'stopped', { ...why, reason: refusal.reason });
      return;
    }
    const id = this.#records.record(firing, 'claimed', why);
    if (id === 'known') return;
    const turn = this.#turns.take(definition.entityId, async () => {
      // A schedule would be made up for after a power cut that takes the note of it back; a press would not.
      if (key !== null && id !== null) await this.#settle(definition.entityId);
      await this.#actFor(firing, id, why);
    });
    // What goes wrong in a turn is logged there.
    turn.catch(() => undefined);
  }

  /** Writes down that something did not happen. */
  miss(firing: Firing, reason: string): void {
    this.#records.record(firing, 'missed', { reason });
  }

  /** Whether this firing happened already. */
  hasFired(key: string): boolean {
    return this.#records.has(key);
  }

  /** Removes what is too old. @param isThere whether an automation still exists. */
  expire(isThere: (automationId: string) => boolean): void {
    this.#records.expire(isThere);
  }

  /** Does what an automation does, now, for somebody who asks for it; with `force` whatever its conditions say. */
  async runFor(definition: Definition, principal: Principal, force: boolean): Promise<Run> {
    const firing = {
      definition,
      trigger: 'by hand',
      why: { by: principal.username, ...(force ? { force } : {}) },
      key: null,
      scheduledMs: null,
      chain: [],
    };
    const told: string[] = [];
    const result = force || allHold(definition.conditions, this.#options.circumstances(), told);
    const why = told.length > 0 ? { conditions: told } : {};
    if (result !== true) {
      const reason = result === null ? 'a condition is unknown' : 'a condition does not hold';
      return this.#recorded(this.#records.record(firing, 'conditions', { ...why, reason }));
    }
    const busy = this.#tooMany(definition.entityId);
    if (busy) throw new HubError('rate_limited', `${definition.name} was not run: ${busy.reason}.`);
    const id = this.#records.record(firing, 'claimed', why);
    return await this.#turns.take(definition.entityId, async () => {
      const results = await this.#act(definition, [principal], [definition.entityId]);
      this.#records.finish(firing, id, why, outcomeOf(results), results);
      return this.#recorded(id);
    });
  }

  #recorded(id: number | null | 'known'): Run {
    const run = typeof id === 'number' ? readRun(this.#options.store.db, id) : undefined;
    if (!run) throw new HubError('storage', 'What came of it could not be written down.');
    return run;
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await this.#turns.settled();
  }

  /** Does it, as it is when its turn comes. */
  async #actFor(fired: Firing, id: number | null, why: JsonObject): Promise<void> {
    const { rights, approvals, library } = this.#options;
    const definition = library.get(fired.definition.entityId);
    const by = definition?.wanted === true && approvals.standing(definition)?.approvedBy;
    if (!definition || by === false || by === undefined || definition.problems.length > 0) {
      const reason = 'it was changed, switched off or deleted before its turn came';
      this.#records.finish(fired, id, { ...why, reason }, 'stopped', []);
      return;
    }
    const firing = { ...fired, definition };
    const principal = rights.principalOf(by);
    try {
      if (!principal) {
        throw new HubError(
          'forbidden',
          'Who let it run is not a user of this home any more. Somebody else can enable it.',
        );
      }
      checkEntitled(definition, principal, this.#options);
    } catch (error) {
      this.#records.finish(firing, id, { ...why, reason: errorText(error) }, 'refused', []);
      return;
    }
    const results = await this.#act(definition, [principal], [...firing.chain, definition.entityId]);
    this.#records.finish(firing, id, why, outcomeOf(results), results);
  }

  async #act(
    definition: Definition,
    by: readonly Principal[],
    chain: readonly string[],
    depth = 0,
  ): Promise<ActionResult[]> {
    const results: ActionResult[] = [];
    for (const action of grouped(definition.actions)) {
      if (results.length >= MAX_ACTIONS) break;
      try {
        results.push(...(await this.#do(action, definition, by, chain, depth)));
      } catch (error) {
        results.push({ action: told(action), ok: false, result: errorText(error) });
      }
    }
    return results;
  }

  async #do(
    action: Action,
    definition: Definition,
    by: readonly Principal[],
    chain: readonly string[],
    depth: number,
  ): Promise<ActionResult[]> {
    const { library, devices } = this.#options;
    if (action.type === 'note') {
      return [{ action: told(action), ok: true, result: await this.#writeNote(action, definition, by) }];
    }
    if (action.type === 'command')
      return [await this.#command(action.entityId, action.writes, told(action), by, chain)];
    const inner = library.get(action.entityId);
    if (inner) return await this.#runInner(action, inner, by, chain, depth);
    const view = devices.view(action.entityId);
    const writes = sceneWrites(view?.capabilities ?? []);
    if (writes.length === 0) throw new HubError('not_found', 'There is no such scene.');
    return [await this.#command(action.entityId, writes, told(action), by, chain)];
  }

  /** What another automation does is done with the rights of both: of who set it off, and of who answers for it. */
  async #runInner(
    action: Exclude<Action, { type: 'note' | 'command' }>,
    inner: Definition,
    by: readonly Principal[],
    chain: readonly string[],
    depth: number,
  ): Promise<ActionResult[]> {
    const { approvals, rights, circumstances, causes } = this.#options;
    const approval = approvals.standing(inner);
    const owner = approval && rights.principalOf(approval.approvedBy);
    // Nobody's switched-off scene is played because another one asks for it.
    if (!inner.wanted) {
      if (action.type === 'automation')
        return [{ action: told(action), ok: true, result: 'it is switched off' }];
      throw new HubError('conflict', `${inner.name} is switched off.`);
    }
    if (inner.problems.length > 0)
      throw new HubError('invalid', `${inner.name} cannot run: ${inner.problems[0]?.message ?? ''}`);
    if (!owner) throw new HubError('forbidden', `${inner.name} is held: nobody who may has enabled it.`);
    if (depth >= MAX_SCENE_DEPTH || chain.includes(inner.entityId)) {
      throw new HubError('invalid', `${inner.name} is part of a ring, or nested too deep.`);
    }
    if (action.type === 'automation') {
      const refusal = causes.refusal(inner.entityId, []);
      if (refusal) throw new HubError('rate_limited', refusal.reason);
      const conditions: string[] = [];
      if (allHold(inner.conditions, circumstances(), conditions) !== true) {
        return [
          { action: told(action), ok: true, result: `its conditions do not hold: ${conditions.join('; ')}` },
        ];
      }
    }
    return await this.#act(inner, [...by, owner], [...chain, inner.entityId], depth + 1);
  }

  async #command(
    entityId: string,
    writes: readonly { readonly capability: string; readonly value: unknown }[],
    text: string,
    by: readonly Principal[],
    chain: readonly string[],
  ): Promise<ActionResult> {
    const { devices, rights, causes } = this.#options;
    const automationId = chain.at(-1) ?? '';
    for (const principal of by) {
      rights.check(principal, { type: 'see', entityId });
      rights.authorize(principal, { entityId, writes, automationId });
    }
    for (const { capability, value } of writes) causes.note(entityId, capability, value, chain);
    const status = await devices.command({
      entityId,
      writes,
      origin: `automation:${automationId}`,
      confirmWithinMs: 0,
    });
    return { action: text, ok: true, result: status };
  }

  async #writeNote(
    { text, about }: Extract<Action, { type: 'note' }>,
    definition: Definition,
    by: readonly Principal[],
  ): Promise<string> {
    const { graph, rights, causes, clock } = this.#options;
    if (!causes.mayNote(definition.entityId)) {
      throw new HubError(
        'rate_limited',
        'It writes too many notes: give it a trigger that comes less often.',
      );
    }
    for (const principal of by) rights.check(principal, { type: 'note' });
    const author = { userId: by.at(-1)?.userId ?? 'hub', deviceId: 'automation' };
    const id = graph.transaction((writer) => {
      const note = writer.createEntity({
        entityType: 'note',
        content: {
          name: definition.name,
          text,
          automation_id: definition.entityId,
          written_at: new Date(clock.nowMs()).toISOString(),
          ...(about === null ? {} : { about }),
        },
        author,
        sourceType: 'generated',
      });
      const subject = about === null ? undefined : writer.latest(about);
      if (subject && subject.contentJson !== null) {
        writer.putRelationship({
          fromEntityId: subject.id,
          toEntityId: note.id,
          relationshipType: 'documented_by',
          properties: {},
          author,
        });
      }
      return note.id;
    });
    await graph.settled();
    return id;
  }

  #tooMany(automationId: string): { reason: string; isFirst: boolean } | undefined {
    const reason = this.#turns.refusal(automationId);
    return reason === undefined
      ? undefined
      : { reason, isFirst: this.#options.causes.isFirst(`busy ${automationId}`) };
  }

  async #settle(automationId: string): Promise<void> {
    try {
      await this.#options.store.durable();
    } catch (error) {
      // The blinds are to come down whatever the card says. After a power cut they may be told to once more.
      this.#options.log.error({ err: error, automation: automationId }, 'a firing may not be on the disk');
    }
  }
}

function outcomeOf(results: readonly ActionResult[]): Outcome {
  if (results.every(({ ok }) => ok)) return 'done';
  return results.some(({ ok }) => ok) ? 'partly' : 'failed';
}

/** An action in words, without values that may be codes. */
function told(action: Action): string {
  if (action.type === 'note') return 'note';
  if (action.type !== 'command') return `${action.type} ${action.entityId}`;
  const writes = action.writes.map(({ capability, value }) =>
    typeof value === 'boolean' || typeof value === 'number' ? `${capability} = ${value}` : capability,
  );
  return `command ${action.entityId}: ${writes.join(', ')}`;
}
