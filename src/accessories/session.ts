import { randomInt } from 'node:crypto';

import type { HapMessage } from './http-parser.ts';
import type {
  CharacteristicAnswer,
  CharacteristicId,
  CharacteristicWrite,
  HapAccessory,
  PairingKeys,
} from './types.ts';

import { parseAnswers, parseDatabase } from './database.ts';
import { AccessoryError } from './errors.ts';
import { HapHttpClient, type ClientOptions, type HapAddress, type HapRequest } from './http-client.ts';
import { askPairing } from './pairing-message.ts';
import { pairVerify } from './pair-verify.ts';
import { TLV } from './tlv.ts';

/** How many characteristics go in one request: small accessories have buffers of one or two kilobytes. */
const BATCH = 30;
/** A bridge with many accessories asks each of them first. */
const DATABASE_TIMEOUT_MS = 30_000;
const TIMED_WRITE_MS = 5000;

const READ_REFUSED = -70402;
const JSON_TYPE = 'application/hap+json';

/** One verified connection to a paired accessory, and what can be asked over it. */
export class HapSession implements Disposable {
  readonly #client: HapHttpClient;

  private constructor(client: HapHttpClient) {
    this.#client = client;
  }

  /** @throws AccessoryError when it is not reached, is another one, or does not know us. */
  static async open(
    where: HapAddress,
    accessoryId: string,
    keys: PairingKeys,
    options: ClientOptions & { readonly signal: AbortSignal },
  ): Promise<HapSession> {
    const { signal } = options;
    const client = await HapHttpClient.open(where, options);
    const onAbort = (): void => client[Symbol.dispose]();
    signal.addEventListener('abort', onAbort);
    try {
      await pairVerify(client, accessoryId, keys);
      return new HapSession(client);
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves with the reason when the connection is over. */
  get closed(): Promise<AccessoryError> {
    return this.#client.closed;
  }

  /** What the accessory tells by itself from then on. */
  onEvents(listener: (told: CharacteristicAnswer[]) => void): void {
    this.#client.onEvent = (body) => listener(body.length === 0 ? [] : parseAnswers(body));
  }

  async accessories(): Promise<HapAccessory[]> {
    const answer = await this.#client.request({
      method: 'GET',
      path: '/accessories',
      timeoutMs: DATABASE_TIMEOUT_MS,
    });
    if (answer.status !== 200) throw refusal(answer);
    return parseDatabase(answer.body);
  }

  /** Answers for those that the accessory knows; a request that it refuses whole gives the status to each. */
  async read(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]> {
    const answers: CharacteristicAnswer[] = [];
    for (const batch of inBatches(ids)) {
      const answer = await this.#client.request({
        method: 'GET',
        path: `/characteristics?id=${batch.join(',')}`,
      });
      answers.push(...toAnswers(answer, batch));
    }
    return answers;
  }

  /** `timed`: first prepared, then written, as accessories ask for what opens doors. */
  async write(writes: readonly CharacteristicWrite[], timed: boolean): Promise<CharacteristicAnswer[]> {
    const body = writes.map(({ id, value }) => entry(id, `"value":${JSON.stringify(value)}`));
    const ids = writes.map(({ id }) => id);
    if (!timed) return toAnswers(await this.#client.request(put('/characteristics', list(body))), ids);
    return await this.#client.exclusive(async (ask) => {
      const pid = randomInt(1, 2 ** 47);
      const prepared = await ask(put('/prepare', `{"ttl":${TIMED_WRITE_MS},"pid":${pid}}`));
      if (prepared.status !== 200 && prepared.status !== 204) throw refusal(prepared);
      return toAnswers(await ask(put('/characteristics', list(body, `"pid":${pid}`))), ids);
    });
  }

  /** Asks to be told of changes. The answers say which of them the accessory tells. */
  async subscribe(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]> {
    const answers: CharacteristicAnswer[] = [];
    for (const batch of inBatches(ids)) {
      const body = list(batch.map((id) => entry(id, '"ev":true')));
      answers.push(...toAnswers(await this.#client.request(put('/characteristics', body)), batch));
    }
    return answers;
  }

  /** Takes this controller off the accessory's list; the accessory ends the connection then. */
  async removePairing(keys: PairingKeys): Promise<void> {
    await askPairing(this.#client, '/pairings', 2, [
      [TLV.state, 1],
      [TLV.method, 4],
      [TLV.identifier, Buffer.from(keys.controllerId)],
    ]);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** @throws AccessoryError `already_paired` when it belongs to somebody. */
export async function identifyUnpaired(where: HapAddress): Promise<void> {
  using client = await HapHttpClient.open(where);
  const answer = await client.request({ method: 'POST', path: '/identify' });
  if (answer.status === 400) throw new AccessoryError('already_paired');
  if (answer.status >= 300) throw refusal(answer);
}

function put(path: string, body: string): HapRequest {
  return { method: 'PUT', path, contentType: JSON_TYPE, body: Buffer.from(body) };
}

/** By hand, because the ids may be too large for a number of JavaScript. */
function entry(id: CharacteristicId, rest: string): string {
  const [aid = '', iid = ''] = id.split('.');
  return `{"aid":${aid},"iid":${iid},${rest}}`;
}

function list(entries: readonly string[], rest?: string): string {
  return `{"characteristics":[${entries.join(',')}]${rest === undefined ? '' : `,${rest}`}}`;
}

function* inBatches(ids: readonly CharacteristicId[]): Generator<readonly CharacteristicId[]> {
  for (let offset = 0; offset < ids.length; offset += BATCH) yield ids.slice(offset, offset + BATCH);
}

/** One answer for each id: 204 means that all went well, 207 says which did not. */
function toAnswers(answer: HapMessage, ids: readonly CharacteristicId[]): CharacteristicAnswer[] {
  const { status, body } = answer;
  if (status === 204 || (status === 200 && body.length === 0)) return ids.map((id) => ({ id, status: 0 }));
  if (status === 200 || status === 207) {
    const told = new Map(parseAnswers(body).map((one) => [one.id, one]));
    const missing = status === 200 ? 0 : READ_REFUSED;
    return ids.map((id) => told.get(id) ?? { id, status: missing });
  }
  const code = wholeStatus(body);
  if (code === undefined) throw refusal(answer);
  return ids.map((id) => ({ id, status: code }));
}

/** `{"status": -70402}`: the refusal of a whole request. */
function wholeStatus(body: Buffer): number | undefined {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    if (typeof json !== 'object' || json === null || !('status' in json)) return undefined;
    return typeof json.status === 'number' && json.status < 0 ? json.status : undefined;
  } catch {
    return undefined;
  }
}

/** 470 is HAP's own: the connection is not verified. */
function refusal({ status }: HapMessage): AccessoryError {
  if (status === 470 || status === 401) return new AccessoryError('not_paired', `status ${status}`);
  if (status === 429 || status === 503) return new AccessoryError('busy', `status ${status}`);
  return new AccessoryError('refused', `status ${status}`);
}
