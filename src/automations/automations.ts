import type { Actor } from '../access/types.ts';
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
  Words,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { Approvals } from './approvals.ts';
import { Causes } from './causes.ts';
import { Decisions } from './decisions.ts';
import { Library } from './library.ts';
import { Lookout } from './lookout.ts';
import { readHolds, readRuns } from './reader.ts';
import { Runner } from './runner.ts';
import { StateTriggers } from './state-triggers.ts';
import { statusOf } from './status.ts';
import { Timetable } from './timetable.ts';
import { LiveTriggers } from './live-triggers.ts';
import { wordsOf } from './words.ts';
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
const EXPIRE_EVERY_MS = 24 * 60 * 60_000;
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
  readonly #decisions: Decisions;
  #follower: ChangeFollower | undefined;
  #graphFollower: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Immediate | undefined;
  #runningNow: readonly Definition[] | undefined;
  #savedMs: number;
  #expiredMs: number;
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
    this.#decisions = new Decisions({ ...options, library: this.#library, approvals: this.#approvals });
    const running = (): readonly Definition[] => this.#running();
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
    this.#expiredMs = this.#savedMs;
  }

  /** What was begun and not ended before is told as interrupted, and is not done again. */
  static start(options: AutomationsOptions): Automations {
    const { store, graph, devices, log } = options;
    const automations = new Automations(options);
    const interrupted = store.write((tx) => interruptRuns(tx));
    if (interrupted > 0) log.warn({ interrupted }, 'automations were interrupted when the hub stopped');
    automations.#approvals.withdrawStale((entityId) => automations.#library.get(entityId));
    const hasRun = automations.#lookout.load();
    const resume = { holds: readHolds(store.db), lookedMs: automations.#lookout.lookedMs };
    automations.#states.watch(automations.#running(), resume);
    automations.#live.begin();
    // A power cut in its first minutes must not make a hub new again, which looks back on nothing.
    if (!hasRun) automations.#save();
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
      // A hub that dies now must know what has fired: after a restart nothing else tells.
      if (this.#live.takeLasted()) this.#save();
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

  words(entityId: string): Words {
    return wordsOf(this.#existing(entityId), (id) => this.#nameOf(id));
  }

  runs(entityId: string | null, limit: number, beforeId: number): Run[] {
    if (entityId !== null) this.#existing(entityId);
    return readRuns(this.#options.store.db, entityId, limit, beforeId);
  }

  async enable(entityId: string, by: Actor): Promise<AutomationStatus> {
    this.#decisions.enable(this.#fresh(entityId), by);
    return await this.#changed(entityId);
  }

  async approve(entityId: string, by: Actor): Promise<AutomationStatus> {
    this.#decisions.approve(this.#fresh(entityId), by);
    return await this.#changed(entityId);
  }

  async disable(entityId: string, by: Actor): Promise<AutomationStatus> {
    this.#decisions.disable(this.#fresh(entityId), by);
    return await this.#changed(entityId);
  }

  async run(entityId: string, by: Actor, { force }: { force: boolean }): Promise<Run> {
    const definition = this.#fresh(entityId);
    this.#decisions.checkRun(definition, by);
    const run = await this.#runner.runFor(definition, by.principal, force);
    this.#decisions.noteRun(run, definition, by, force);
    return run;
  }

  check(entityType: 'automation' | 'schedule', content: JsonObject): CheckResult {
    const nowMs = this.#options.clock.nowMs();
    const definition = this.#library.define(
      { id: CHECK_ID, version: '', entityType, modifiedAtMs: nowMs },
      content,
    );
    return {
      problems: this.#problemsOf(definition),
      nextMs: this.#timetable.next(definition, nowMs, 5),
      words: wordsOf(definition, (id) => this.#nameOf(id)),
    };
  }

  edited(entityId: string, by: Actor): void {
    // What was due before was due as it was then.
    this.tick();
    const vouched = this.#library
      .dependentsBefore(entityId)
      .filter((definition) => this.#approvals.standing(definition));
    this.#library.reload(entityId);
    const after = this.#library.get(entityId);
    if (after) this.#decisions.edited(after, this.#library.previous(entityId), by);
    // Whoever moves the times of a schedule answers for what goes by them.
    for (const before of vouched) {
      const moved = this.#library.get(before.entityId);
      if (moved) this.#decisions.edited(moved, before, by);
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

  /** What may run by itself: wanted, understood, and vouched for. Kept until something of that changes. */
  #running(): readonly Definition[] {
    this.#runningNow ??= [...this.#library.all()].filter(
      (definition) =>
        definition.wanted &&
        definition.triggers.length > 0 &&
        definition.actions.length > 0 &&
        this.#problemsOf(definition).length === 0 &&
        this.#approvals.standing(definition) !== undefined,
    );
    return this.#runningNow;
  }

  #problemsOf(definition: Definition): Definition['problems'] {
    const { sun } = this.#options;
    if (sun || !definition.triggers.some(({ type }) => type === 'sun')) return definition.problems;
    const message = 'the hub does not know where the home is: set home.latitude and home.longitude';
    return [...definition.problems, { path: 'triggers', message }];
  }

  #statusOf(definition: Definition): AutomationStatus {
    const { store, clock } = this.#options;
    const problems = this.#problemsOf(definition);
    const approval = this.#approvals.standing(definition);
    const told = statusOf(definition, problems, approval, (by) => this.#decisions.doubtOf(definition, by));
    const isOn = told.status === 'on';
    return {
      definition: { ...definition, problems },
      ...told,
      nextMs: isOn ? (this.#timetable.next(definition, clock.nowMs(), 1)[0] ?? null) : null,
      lastRun: readRuns(store.db, definition.entityId, 1, 0)[0] ?? null,
    };
  }

  #existing(entityId: string): Definition {
    const found = this.#library.get(entityId);
    if (!found) throw new HubError('not_found', `There is no automation ${entityId.slice(0, 128)}.`);
    return found;
  }

  /** As the graph has it now. */
  #fresh(entityId: string): Definition {
    this.tick();
    this.#library.reload(entityId);
    const definition = this.#existing(entityId);
    return { ...definition, problems: this.#problemsOf(definition) };
  }

  #nameOf(entityId: string): string {
    return this.#options.devices.view(entityId)?.name ?? this.#library.get(entityId)?.name ?? entityId;
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
    if (this.#isStopping) return;
    // What was due before is due as it was then.
    this.tick();
    try {
      if (this.#library.refresh()) this.#onDefinitions();
    } catch (error) {
      this.#options.log.error({ err: error }, 'a change of the automations could not be looked at');
    }
  }

  #onDefinitions(): void {
    this.#approvals.withdrawStale((entityId) => this.#library.get(entityId));
    this.#runningNow = undefined;
    this.#lookout.forgetNext();
    this.#states.watch(this.#running());
    this.#setTimer();
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
    if (this.#isStopping) return;
    clearTimeout(this.#timer);
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const toMinute = LOOK_EVERY_MS - (nowMs % LOOK_EVERY_MS);
    const toTime = this.#lookout.nextMs(nowMs + toMinute) - nowMs;
    const toLook = Math.max(toTime, this.#lookout.settlesInMs);
    const waitMs = Math.max(1, Math.ceil(Math.min(toMinute, toLook, this.#states.nextInMs)));
    this.#timer = setTimeout(() => this.tick(), waitMs);
  }

  #saveWhenDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#expiredMs + EXPIRE_EVERY_MS) {
      this.#expiredMs = nowMs;
      this.#runner.expire((entityId) => this.#library.get(entityId) !== undefined);
    }
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
