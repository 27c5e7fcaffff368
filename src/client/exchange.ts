import type { Replica, Taken } from './replica.ts';
import type { Meta, PendingChange, Report } from './types.ts';
import type { Compression, SyncAnswer } from './wire.ts';

import { ClientError } from './errors.ts';
import { parseAnswer, parseCursor, syncBody } from './wire.ts';

/** What a sync did. */
export interface SyncSummary {
  /** Changes that the hub took. */
  readonly applied: number;
  /** Changes that it did not make the state, with the reasons; also kept in the store. */
  readonly reports: readonly Report[];
  /** Rows that it sent. */
  readonly pulled: number;
  /** Everything was pulled from zero. */
  readonly resynced: boolean;
  /** `unknown` where the hub sent none, as after a push. */
  readonly digest: 'match' | 'mismatch' | 'unknown';
}

export interface ExchangeOptions {
  readonly replica: Replica;
  /** Posts a body to the sync endpoint and returns the parsed answer. */
  readonly post: (body: object) => Promise<unknown>;
  /** Whose token it is. */
  readonly userId: () => Promise<string>;
  readonly nowMs: () => number;
  readonly compression: Compression | null;
  /** A differing digest makes the client pull everything at most once in this time, ms. */
  readonly repairEveryMs: number;
}

/** An answer this young says that the hub is still the one whose cursor is held. */
const FRESH_MS = 30_000;
const DEFAULT_LIMIT = 1000;
/** A hub that is slow is sent no fewer changes at a time than this. */
const MIN_LIMIT = 10;
/** How often a run asks again when another client has pulled into the same store meanwhile. */
const MAX_CLASHES = 5;

interface Run {
  applied: number;
  pulled: number;
  readonly reports: Report[];
  resynced: boolean;
  /** Changes in a request; halved while the hub finds requests too large. */
  limit: number;
  /** A clock that the hub does not understand was dropped already. */
  clockDropped: boolean;
  /** Answers that came too late, because another client of the store had pulled. */
  clashes: number;
}

/** Pushes until each change is answered and pulls until there is no more. Run one at a time. */
export class Exchange {
  readonly #options: ExchangeOptions;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  /** Changes in a request: fewer after the hub has let one time out, so that it is not sent the same ones for ever. */
  #limit = DEFAULT_LIMIT;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** @throws ClientError; what was answered before is kept, and the next run goes on from there. */
  async run(): Promise<SyncSummary> {
    const { replica } = this.#options;
    const userId = await this.#options.userId();
    await replica.setUser(userId);
    const run: Run = {
      applied: 0,
      pulled: 0,
      reports: [],
      resynced: false,
      limit: DEFAULT_LIMIT,
      clockDropped: false,
      clashes: 0,
    };
    for (;;) {
      const sent = await this.#batch(Math.min(run.limit, this.#limit));
      const asked = replica.meta;
      const answer = await this.#ask(asked, { userId, sent, run });
      if (!answer) continue;
      const taken = await this.#take(answer, { sent, asked, run });
      if (!taken) continue;
      const { applied, reports } = taken;
      this.#answeredAtMs = this.#options.nowMs();
      // Only a full request says that the hub can do with more.
      if (sent.length >= this.#limit) this.#limit = Math.min(this.#limit * 2, DEFAULT_LIMIT);
      run.applied += applied;
      run.reports.push(...reports);
      run.pulled += answer.rows.length;
      run.resynced ||= answer.resync || replica.meta.resyncing;
      if (answer.hasMore) {
        if (sent.length === 0 && !hasMoved(asked.vectorClock['server'], replica.cursor)) {
          throw new ClientError('protocol', 'the hub says that there is more, and sends nothing');
        }
        continue;
      }
      if ((await replica.batch(1)).length > 0) continue;
      if (answer.digest === null) return summaryOf(run, 'unknown');
      if (answer.digest === (await replica.digest())) return summaryOf(run, 'match');
      if (!this.#mayRepair()) return summaryOf(run, 'mismatch');
      await replica.startOver(this.#options.nowMs());
      run.resynced = true;
    }
  }

  /**
   * Nothing is pushed to a hub that was not heard for a while: it may be back from an old backup. Pulling first tells,
   * and then what the edits were made from is brought back before the edits.
   */
  async #batch(limit: number): Promise<PendingChange[]> {
    // A clock that was set back by a day must not make an answer fresh for a day.
    const fresh = Math.abs(this.#options.nowMs() - this.#answeredAtMs) < FRESH_MS;
    return fresh ? await this.#options.replica.batch(limit) : [];
  }

  /** Undefined when the request was refused for a reason that is mended now: the next one differs. */
  async #ask(
    asked: Meta,
    about: { userId: string; sent: readonly PendingChange[]; run: Run },
  ): Promise<SyncAnswer | undefined> {
    const { userId, sent, run } = about;
    const { compression, nowMs } = this.#options;
    // Until this is answered and taken over.
    this.#answeredAtMs = Number.NEGATIVE_INFINITY;
    try {
      return parseAnswer(await this.#options.post(syncBody(asked, userId, sent, compression)));
    } catch (error) {
      if (error instanceof ClientError && error.timedOut && sent.length > 0) {
        const half = Math.ceil(Math.min(sent.length, this.#limit) / 2);
        this.#limit = Math.max(half, MIN_LIMIT);
      }
      if (!(error instanceof ClientError) || !MENDABLE.includes(error.kind)) throw error;
      if (!(await this.#mend(error, sent, run))) throw error;
      this.#answeredAtMs = nowMs();
      return undefined;
    }
  }

  /** Undefined when another client of the store has pulled meanwhile: the hub is asked again from there. */
  async #take(
    answer: SyncAnswer,
    about: { sent: readonly PendingChange[]; asked: Meta; run: Run },
  ): Promise<Taken | undefined> {
    const { sent, asked, run } = about;
    try {
      return await this.#options.replica.take(answer, sent, asked);
    } catch (error) {
      run.clashes += 1;
      const isClash = error instanceof ClientError && error.kind === 'shared_store';
      if (!isClash || run.clashes > MAX_CLASHES) throw error;
      return undefined;
    }
  }

  async #mend(error: ClientError, sent: readonly PendingChange[], run: Run): Promise<boolean> {
    const { replica } = this.#options;
    if (error.code === 'INVALID_VECTOR_CLOCK' && !run.clockDropped) {
      run.clockDropped = true;
      await replica.startOver();
      run.resynced = true;
      return true;
    }
    if (error.status === 413 && sent.length > 1) {
      run.limit = Math.ceil(sent.length / 2);
      return true;
    }
    // Of somebody who may look and not change: pushing it again would keep what is new from coming, for ever.
    const mayNotPush = error.status === 403 && error.field === 'changes';
    if (mayNotPush && sent.length > 0) {
      for (const change of sent) await this.#reject(change, error, run);
      return true;
    }
    const culprit = error.status === 413 && sent.length === 1 ? sent[0] : malformedOf(error, sent);
    if (!culprit) return false;
    await this.#reject(culprit, error, run);
    return true;
  }

  async #reject(change: PendingChange, error: ClientError, run: Run): Promise<void> {
    const report = await this.#options.replica.reject(change, error.code ?? 'REFUSED', error.message);
    if (report) run.reports.push(report);
  }

  #mayRepair(): boolean {
    const { replica, nowMs, repairEveryMs } = this.#options;
    return Math.abs(nowMs() - replica.meta.repairedAtMs) >= repairEveryMs;
  }
}

/** Refusals that the next request may escape, where it says less. */
const MENDABLE: readonly string[] = ['refused', 'forbidden'];

/** The change that a 400 complains about by its place in the request, such as `changes.3.content`. */
function malformedOf(error: ClientError, sent: readonly PendingChange[]): PendingChange | undefined {
  const match = /^(relationship_)?changes\.(\d+)(?:\.|$)/.exec(error.field ?? '');
  if (error.status !== 400 || !match) return undefined;
  const kind = match[1] === undefined ? 'entity' : 'relationship';
  return sent.filter((change) => change.kind === kind)[Number(match[2])];
}

function hasMoved(before: string | undefined, after: string | undefined): boolean {
  const from = parseCursor(before);
  const to = parseCursor(after);
  return from?.epoch !== to?.epoch || from?.seq !== to?.seq;
}

function summaryOf(run: Run, digest: SyncSummary['digest']): SyncSummary {
  const { applied, reports, pulled, resynced } = run;
  return { applied, reports, pulled, resynced, digest };
}
