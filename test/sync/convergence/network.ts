import type { SyncHome } from '../sync-home.ts';

import { principal } from '../sync-home.ts';

/** What happens to one request on its way. */
export type Fault =
  /** Nothing. */
  | 'none'
  /** It never arrives. */
  | 'request_lost'
  /** It arrives, and the answer does not. */
  | 'answer_lost'
  /** It arrives twice, and the second answer is the one that is read. */
  | 'duplicated'
  /** The client gives up on it; it arrives later, after others. */
  | 'late';
export const FAULTS: readonly Fault[] = ['none', 'request_lost', 'answer_lost', 'duplicated', 'late'];

/** An edit that a client was told is stored. */
export interface Acked {
  readonly id: string;
  readonly version: string;
  readonly isDelete: boolean;
  /** How often the hub had been restored when it was told. */
  readonly life: number;
}

type Body = Readonly<Record<string, unknown>>;

/** The way between clients and the hub, which a test can make a bad one. */
export class Network {
  /** Set by the test; the hub behind it changes when it is restarted or restored. */
  home: SyncHome;
  /** Of the next requests, the first first; then none. */
  faults: Fault[] = [];
  life = 0;
  readonly acked: Acked[] = [];
  readonly #late: { user: string; body: Body }[] = [];

  constructor(home: SyncHome) {
    this.home = home;
  }

  /** @throws Error when the answer does not reach the client. */
  async exchange(user: string, body: Body): Promise<Record<string, unknown>> {
    const fault = this.faults.shift() ?? 'none';
    if (fault === 'request_lost') throw new Error('the request was lost');
    if (fault === 'late') {
      this.#late.push({ user, body: structuredClone(body) });
      throw new Error('no answer in time');
    }
    if (fault === 'duplicated') await this.#send(user, body);
    const answer = await this.#send(user, body);
    if (fault === 'answer_lost') throw new Error('the answer was lost');
    this.#note(body, answer);
    return answer;
  }

  /** One of the late requests arrives; nobody reads the answer. */
  async deliverLate(which: number): Promise<void> {
    const [late] = this.#late.splice(which % Math.max(1, this.#late.length), 1);
    if (late) await this.#send(late.user, late.body);
  }

  async #send(user: string, body: Body): Promise<Record<string, unknown>> {
    const { sync } = this.home;
    if (body['protocol_version'] !== 'inbetweenies-v2') {
      return JSON.parse(await sync.exchange(principal(user), body)) as Record<string, unknown>;
    }
    let text = '';
    for await (const chunk of await sync.v2.exchange(principal(user), body)) text += chunk;
    return JSON.parse(text) as Record<string, unknown>;
  }

  #note(body: Body, answer: Record<string, unknown>): void {
    for (const told of ackedOf(body, answer)) this.acked.push({ ...told, life: this.life });
  }
}

/** The edits of a request that its answer says are stored: all that it does not refuse, whatever became of them. */
export function ackedOf(body: Body, answer: Record<string, unknown>): Omit<Acked, 'life'>[] {
  const isV2 = body['protocol_version'] === 'inbetweenies-v2';
  const applied = new Set(answer['applied'] as string[]);
  const refused = new Set(
    ((answer['rejected'] ?? []) as { entity_version: string }[]).map((told) => told.entity_version),
  );
  return (body['changes'] as readonly Body[]).flatMap((change) => {
    const entity = (change['entity'] ?? {}) as Body;
    const id = String(isV2 ? entity['id'] : change['entity_id']);
    const version = String(isV2 ? entity['version'] : change['entity_version']);
    const isTold = isV2 ? applied.has(id) : !refused.has(version);
    return isTold ? [{ id, version, isDelete: change['change_type'] === 'delete' }] : [];
  });
}
