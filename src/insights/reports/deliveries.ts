import type { Clock } from '../../base/clock.ts';
import type { Tx } from '../../base/db.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type {
  Delivery,
  DeliveryTarget,
  HomeReport,
  MailTarget,
  ReportKind,
  ReportQueue,
  WebhookTarget,
} from './types.ts';

import { errorText } from '../../base/errors.ts';
import { reportPage } from './page.ts';
import { sendMail } from './mail.ts';
import { readDelivery, readJson, readPending } from './reader.ts';
import { reportText, reportTitle } from './text.ts';
import { DELIVERY_JOBS, DELIVERY_TARGETS } from './types.ts';
import { postReport } from './webhook.ts';
import { beginTry, endTry, orderDelivery } from './writer.ts';

export interface DeliveriesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Null where it was not configured. */
  readonly mail: MailTarget | null;
  readonly webhook: WebhookTarget | null;
}

/** What the queue is given, and gives back. */
export interface DeliveryOrder {
  readonly report: string;
  readonly order: number;
  readonly round: number;
}

/** So often the queue itself tries, minutes apart. */
const TRIES_OF_QUEUE = 3;
/** After the queue has given up it is asked again, so long later: an evening without the Internet loses nothing. */
const ROUND_DELAYS_MS = [15, 60, 240, 720].map((minutes) => minutes * 60_000);
const MAX_ATTEMPTS = TRIES_OF_QUEUE * (ROUND_DELAYS_MS.length + 1);

/**
 * Brings reports out of the house. What is to be sent is a row, written together with the report; the durable queue
 * carries it out. A power cut between the two is made up for by `resume`, and the queue takes each order once.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  #queue: ReportQueue | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Where reports go that were asked for by hand, or those of a kind that go by themselves. */
  targets(kind?: ReportKind): DeliveryTarget[] {
    return DELIVERY_TARGETS.filter((to) => {
      const target = this.#options[to];
      return target !== null && (kind === undefined || target.kinds.includes(kind));
    });
  }

  /** Notes that a report is to be sent; `resume` hands it to the queue once that is durable. */
  order(tx: Tx, id: string, targets: readonly DeliveryTarget[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const to of targets) orderDelivery(tx, id, to, nowMs);
  }

  /** From now on orders go to this queue, those first that a process before this one left. */
  async connect(queue: ReportQueue): Promise<void> {
    this.#queue = queue;
    await this.resume();
  }

  /** Hands all that is not over to the queue, which knows what it has already. Never rejects: the next one makes up for it. */
  async resume(): Promise<void> {
    const queue = this.#queue;
    if (!queue) return;
    try {
      for (const one of readPending(this.#options.store.db)) await enqueue(queue, one, one.dueMs);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'reports could not be queued for sending; it is tried again');
    }
  }

  /**
   * One try. An order that is over, or was replaced by another, is left alone.
   * @param attempt of the queue, from 1.
   * @returns what came of it, for people.
   * @throws HubError `unavailable` saying why, so that the queue tries again; the reason of the signal.
   */
  async deliver(
    to: DeliveryTarget,
    order: DeliveryOrder,
    { attempt, signal }: { readonly attempt: number; readonly signal: AbortSignal },
  ): Promise<string> {
    const { store, clock } = this.#options;
    const row = readDelivery(store.db, order.report, to);
    const json = readJson(store.db, order.report);
    const isOpen = row?.state === 'queued' || row?.state === 'retrying';
    if (!row || !isOpen || json === undefined || row.orderNo !== order.order || row.round !== order.round) {
      return 'There is nothing to be sent: it was sent already, ordered anew, or the report is gone.';
    }
    const key = { id: row.reportId, to, orderNo: row.orderNo };
    const end = (state: 'sent' | 'failed', error: string | null): void => {
      const nowMs = clock.nowMs();
      store.write((tx) => endTry(tx, key, { state, error, round: row.round, dueMs: null, nowMs }));
    };
    if (this.#options[to] === null) {
      end('failed', `No ${to} is configured any more.`);
      return `Report ${row.reportId} was not sent: no ${to} is configured any more.`;
    }
    store.write((tx) => beginTry(tx, row.reportId, to, clock.nowMs()));
    let doubt: string | null;
    try {
      doubt = await this.#send(to, JSON.parse(json) as HomeReport, row, signal);
    } catch (error) {
      if (!signal.aborted)
        await this.#failed({ ...row, attempts: row.attempts + 1 }, attempt, errorText(error));
      throw error;
    }
    end('sent', doubt);
    return `Report ${row.reportId} was sent by ${to}. ${doubt ?? ''}`.trim();
  }

  /** @returns what went not quite well. */
  async #send(
    to: DeliveryTarget,
    report: HomeReport,
    row: Delivery,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { mail, webhook } = this.#options;
    const { id, kind, period } = report;
    const deliveryId = `${id}.${row.orderNo}`;
    if (to === 'mail' && mail) {
      const html = reportPage(report);
      const subject = `${report.home}: ${reportTitle(report)}`;
      const message = { subject, html, text: reportText(report), fileName: `${id}.html`, idPart: deliveryId };
      return await sendMail(mail, message, signal);
    }
    if (to === 'webhook' && webhook) {
      await postReport(webhook, JSON.stringify({ id, kind, period, report }), deliveryId, signal);
    }
    return null;
  }

  /** Notes why, and where the queue is about to give up asks it again later. */
  async #failed(row: Delivery, attempt: number, error: string): Promise<void> {
    const { store, clock, log } = this.#options;
    const { reportId, to, orderNo, attempts } = row;
    const nowMs = clock.nowMs();
    const isLast = attempts >= MAX_ATTEMPTS;
    const isNextRound = !isLast && attempt >= TRIES_OF_QUEUE;
    const dueMs = isNextRound ? nowMs + (ROUND_DELAYS_MS[row.round] ?? ROUND_DELAYS_MS.at(-1) ?? 0) : null;
    const round = isNextRound ? row.round + 1 : row.round;
    const state = isLast ? 'failed' : 'retrying';
    store.write((tx) => endTry(tx, { id: reportId, to, orderNo }, { state, error, round, dueMs, nowMs }));
    log.warn({ report: reportId, to, attempts, reason: error }, 'a report could not be sent');
    if (isNextRound) await this.resume();
  }
}

async function enqueue(queue: ReportQueue, one: Delivery, dueMs: number | null): Promise<void> {
  const { reportId: report, orderNo: order, round, to } = one;
  const payload: DeliveryOrder = { report, order, round };
  const key = `${report}/${order}.${round}`;
  await queue.enqueue(DELIVERY_JOBS[to], { ...payload }, dueMs === null ? { key } : { key, runAtMs: dueMs });
}
