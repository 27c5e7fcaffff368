import type { Principal } from '../access/types.ts';
import type { Clock } from '../base/clock.ts';
import type { HomeZone } from '../base/home-zone.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Sun } from '../base/sun.ts';
import type { Graph } from '../graph/graph.ts';
import type { Circumstances } from './conditions.ts';
import type {
  AutomationDevices,
  AutomationDirectory,
  AutomationRights,
  AutomationStatus,
  ChangeFollower,
  CheckResult,
  Definition,
  Run,
} from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { parseContent } from '../graph/graph.ts';
import { Approvals } from './approvals.ts';
import { Causes } from './causes.ts';
import { Library } from './library.ts';
import { Lookout } from './lookout.ts';
import { readHolds, readRuns } from './reader.ts';
import { checkEntitled } from './rights.ts';
import { Runner } from './runner.ts';
import { StateTriggers } from './state-triggers.ts';
import { Timetable } from './timetable.ts';
import { LiveTriggers } from './live-triggers.ts';
import { interruptRuns, replaceHolds } from './writer.ts';

export interface AutomationsOptions {
  store: Store;
  graph: Graph;
  devices: AutomationDevices;
  rights: AutomationRights;
  zone: HomeZone;
  /** Null where the home has no place. */
  sun: Sun | null;
  clock: Clock;
  log: Logger;
}

/** The clock is looked at this often at least: it may be set at any time. */
const LOOK_EVERY_MS = 60_000;
const SAVE_EVERY_MS = 10 * 60_000;
const STOP_WITHIN_MS = 3000;
const CHECK_ID = 'automation-to-check';

/** Runs what entities of the types automation and schedule ask for. */
export class Automations implements AutomationDirectory, AsyncDisposable {
  readonly #options: AutomationsOptions;
  readonly #library: Library;
  readonly #approvals: Approvals;
  readonly #timetable: Timetable;
  readonly #states: StateTriggers;
  readonly #live: LiveTriggers;
  readonly #lookout: Lookout;
  readonly #runner: Runner;
  #follower: ChangeFollower | undefined;
  #graphFollower: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Immediate | undefined;
  #savedMs: number;
  #isStopping = false;

  private constructor(options: AutomationsOptions) {
    const { store, graph, devices, zone, sun, clock, log } = options;
    this.#options = options;
    this.#library = new Library(graph);
    this.#approvals = new Approvals(options);
    this.#timetable = new Timetable({ zone, sun, library: this.#library });
    this.#states = new StateTriggers({ devices, clock });
    const causes = new Causes(clock);
    const circumstances = (): Circumstances => ({ devices, zone, sun, nowMs: clock.nowMs() });
    const parts = { library: this.#library, approvals: this.#approvals, causes, circumstances };
    this.#runner = new Runner({ ...options, ...parts });
    const running = (): Definition[] => this.#running();
    this.#lookout = new Lookout({
      store,
      clock,
      log,
      timetable: this.#timetable,
      runner: this.#runner,
      running,
    });
    this.#live = new LiveTriggers({ devices, states: this.#states, causes, runner: this.#runner, running });
    this.#savedMs = clock.monotonicMs();
  }

  /** What was begun and not ended before is told as interrupted, and is not done again. */
  static start(options: AutomationsOptions): Automations {
    const { store, graph, devices, log } = options;
    const automations = new Automations(options);
    const interrupted = store.write((tx) => interruptRuns(tx));
    if (interrupted > 0) log.warn({ interrupted }, 'automations were interrupted when the hub stopped');
    automations.#lookout.load();
    const resume = { holds: readHolds(store.db), lookedMs: automations.#lookout.lookedMs };
    automations.#states.watch(automations.#running(), resume);
    automations.#live.begin();
    automations.#follower = devices.follow(() => automations.#takeChanges());
    automations.#graphFollower = graph.follow(() => {
      automations.#refresh ??= setImmediate(() => automations.#onGraphChange());
    });
    automations.tick();
    return automations;
  }

  /** Does what is due now, and sets the timer for what is due next. */
  tick(): void {
    if (this.#isStopping) return;
    clearTimeout(this.#timer);
    try {
      this.#lookout.look();
      this.#live.takeLasted();
      this.#saveWhenDue();
    } catch (error) {
      this.#options.log.error({ err: error }, 'what is due could not be looked at; it is tried again');
    }
    this.#setTimer();
  }

  /** Resolves when nothing runs any more: for tests. */
  async settled(): Promise<void> {
    await this.#runner.settled();
  }

  list(): AutomationStatus[] {
    const statuses = [...this.#library.all()].map((definition) => this.#statusOf(definition));
    return statuses.toSorted((a, b) => a.definition.name.localeCompare(b.definition.name));
  }

  status(entityId: string): AutomationStatus {
    return this.#statusOf(this.#existing(entityId));
  }

  runs(entityId: string, limit: number, beforeId: number): Run[] {
    this.#existing(entityId);
    return readRuns(this.#options.store.db, entityId, limit, beforeId);
  }

  async enable(entityId: string, principal: Principal): Promise<AutomationStatus> {
    this.#library.reload(entityId);
    const definition = this.#existing(entityId);
    const [problem] = this.#problemsOf(definition);
    if (problem)
      throw new HubError('invalid', `It cannot run. ${problem.path}: ${problem.message}`, {
        field: problem.path,
      });
    checkEntitled(definition, principal, this.#entitlement());
    this.#approvals.approve(definition, principal.userId);
    if (!definition.wanted) this.#setWanted(entityId, true, principal);
    return await this.#changed(entityId);
  }

  async disable(entityId: string, principal: Principal): Promise<AutomationStatus> {
    if (this.#existing(entityId).wanted) this.#setWanted(entityId, false, principal);
    return await this.#changed(entityId);
  }

  async run(entityId: string, principal: Principal): Promise<Run> {
    const definition = this.#existing(entityId);
    const [problem] = definition.problems;
    if (problem)
      throw new HubError('invalid', `It cannot run. ${problem.path}: ${problem.message}`, {
        field: problem.path,
      });
    checkEntitled(definition, principal, this.#entitlement());
    return await this.#runner.runFor(definition, principal);
  }

  check(entityType: 'automation' | 'schedule', content: JsonObject): CheckResult {
    const nowMs = this.#options.clock.nowMs();
    const definition = this.#library.define({ id: CHECK_ID, entityType, modifiedAtMs: nowMs }, content);
    return { problems: this.#problemsOf(definition), nextMs: this.#timetable.next(definition, nowMs, 5) };
  }

  edited(entityId: string, principal: Principal): void {
    const before = this.#library.get(entityId);
    this.#library.reload(entityId);
    const after = this.#library.get(entityId);
    if (after && (!before || before.hash !== after.hash || this.#approvals.standing(before))) {
      try {
        checkEntitled(after, principal, this.#entitlement());
        this.#approvals.approve(after, principal.userId);
      } catch (error) {
        this.#options.log.info({ automation: entityId, reason: errorText(error) }, 'an automation is held');
      }
    }
    this.#onDefinitions();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#refresh);
    this.#follower?.[Symbol.dispose]();
    this.#graphFollower?.[Symbol.dispose]();
    const deadline = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => deadline.resolve(undefined), STOP_WITHIN_MS);
    await Promise.race([this.#runner.settled(), deadline.promise]);
    clearTimeout(timer);
    this.#save();
  }

  /** What may run by itself: wanted, understood, and vouched for. */
  #running(): Definition[] {
    return [...this.#library.all()].filter(
      (definition) =>
        definition.wanted &&
        definition.actions.length > 0 &&
        this.#problemsOf(definition).length === 0 &&
        this.#approvals.standing(definition) !== undefined,
    );
  }

  #problemsOf(definition: Definition): Definition['problems'] {
    const { sun } = this.#options;
    if (sun || !definition.triggers.some(({ type }) => type === 'sun')) return definition.problems;
    const message = 'the hub does not know where the home is: set home.latitude and home.longitude';
    return [...definition.problems, { path: 'triggers', message }];
  }

  #statusOf(definition: Definition): AutomationStatus {
    const { store, clock, rights } = this.#options;
    const approval = this.#approvals.standing(definition);
    const problems = this.#problemsOf(definition);
    const isIdle = definition.entityType === 'schedule' && definition.actions.length === 0;
    let status: AutomationStatus['status'] = 'on';
    if (problems.length > 0) status = 'not_runnable';
    else if (!definition.wanted) status = 'off';
    else if (!approval && !isIdle) status = 'held';
    let reason = status === 'held' ? 'Nobody entitled to all it does has enabled it as it is now.' : null;
    const principal = status === 'on' && approval ? rights.principalOf(approval.approvedBy) : undefined;
    if (status === 'on' && approval && !principal)
      reason = 'Who enabled it is not a user of this home any more.';
    return {
      definition: { ...definition, problems },
      status,
      approvedBy: approval?.approvedBy ?? null,
      reason,
      nextMs: status === 'on' ? (this.#timetable.next(definition, clock.nowMs(), 1)[0] ?? null) : null,
      lastRun: readRuns(store.db, definition.entityId, 1, 0)[0] ?? null,
    };
  }

  #existing(entityId: string): Definition {
    const found = this.#library.get(entityId);
    if (!found) throw new HubError('not_found', `There is no automation ${entityId.slice(0, 128)}.`);
    return found;
  }

  #entitlement(): { rights: AutomationRights; devices: AutomationDevices; library: Library } {
    const { rights, devices } = this.#options;
    return { rights, devices, library: this.#library };
  }

  #setWanted(entityId: string, enabled: boolean, principal: Principal): void {
    this.#options.graph.transaction((writer) => {
      const latest = writer.latest(entityId);
      if (!latest || latest.contentJson === null)
        throw new HubError('not_found', 'The automation was deleted.');
      const author = { userId: principal.userId, deviceId: 'http' };
      writer.replaceContent(entityId, { ...parseContent(latest), enabled }, author);
    });
  }

  async #changed(entityId: string): Promise<AutomationStatus> {
    this.#library.reload(entityId);
    this.#onDefinitions();
    await this.#options.graph.settled();
    await this.#options.store.durable();
    return this.status(entityId);
  }

  #onGraphChange(): void {
    this.#refresh = undefined;
    if (!this.#isStopping && this.#library.refresh()) this.#onDefinitions();
  }

  #onDefinitions(): void {
    this.#states.watch(this.#running());
    this.tick();
  }

  #takeChanges(): void {
    try {
      for (const change of this.#follower?.take() ?? []) this.#live.take(change);
      this.#setTimer();
    } catch (error) {
      this.#options.log.error({ err: error }, 'a change could not be looked at by the automations');
    }
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const toMinute = LOOK_EVERY_MS - (nowMs % LOOK_EVERY_MS);
    const toTime = this.#lookout.nextMs(nowMs + toMinute) - nowMs;
    const waitMs = Math.max(1, Math.ceil(Math.min(toMinute, toTime, this.#states.nextInMs)));
    this.#timer = setTimeout(() => this.tick(), waitMs);
  }

  #saveWhenDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#savedMs + SAVE_EVERY_MS) return;
    this.#savedMs = nowMs;
    this.#save();
  }

  #save(): void {
    try {
      this.#options.store.write((tx) => {
        this.#lookout.save(tx);
        replaceHolds(tx, this.#states.holds());
      });
    } catch (error) {
      this.#options.log.error({ err: error }, 'how far the automations have looked could not be noted');
    }
  }
}
