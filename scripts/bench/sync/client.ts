import { once } from 'node:events';
import { Agent, request } from 'node:http';

import type { IncomingMessage } from 'node:http';

export interface Timed {
  readonly tookMs: number;
  readonly body: Buffer;
}

export interface SyncClientOptions {
  readonly url: string;
  readonly token: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly protocol?: string;
}

/**
 * A phone that costs as little as possible: one connection that is kept, bodies that are bytes before the clock starts,
 * answers that are not parsed while it runs.
 */
export class SyncClient implements Disposable {
  readonly #options: SyncClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** The `server` entry of the clock that the next sync sends; empty for a client that begins. */
  cursor = '';

  constructor(options: SyncClientOptions) {
    this.#options = options;
  }

  /** @param changes JSON text of an array */
  body(changes = '[]', cursor = this.cursor): Buffer {
    const { deviceId, userId, protocol = 'inbetweenies-v1' } = this.#options;
    const head = JSON.stringify({
      protocol_version: protocol,
      device_id: deviceId,
      user_id: userId,
      vector_clock: cursor === '' ? {} : { server: cursor },
      compression: null,
    });
    return Buffer.from(`${head.slice(0, -1)},"changes":${changes}}`);
  }

  /** Sends a body that is ready, and takes the answer as it comes. @throws Error unless it is a 200. */
  async send(body: Buffer, acceptEncoding = 'identity'): Promise<Timed> {
    const from = performance.now();
    const sent = request(`${this.#options.url}/api/sync/inbetweenies`, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        'content-type': 'application/json',
        'content-length': body.length,
        'accept-encoding': acceptEncoding,
      },
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(answer, 'end');
    const tookMs = performance.now() - from;
    const bytes = Buffer.concat(chunks);
    if (answer.statusCode !== 200)
      throw new Error(`sync: ${answer.statusCode} ${bytes.toString().slice(0, 500)}`);
    return { tookMs, body: bytes };
  }

  /** Sends, and learns from the answer. */
  async sync(body: Buffer, expected: { applied?: number; conflicts?: number } = {}): Promise<Timed> {
    const answer = await this.send(body);
    this.learn(answer, expected);
    return answer;
  }

  /** Takes the answer's clock. @throws Error when the changes were not answered as expected. */
  learn(answer: Timed, expected: { applied?: number; conflicts?: number }): void {
    const told = JSON.parse(answer.body.toString()) as {
      vector_clock: Record<string, string>;
      applied: unknown[];
      conflicts: unknown[];
      rejected: unknown[];
    };
    const { applied = 0, conflicts = 0 } = expected;
    if (told.applied.length !== applied || told.conflicts.length !== conflicts) {
      throw new Error(
        `${told.applied.length} applied, ${told.conflicts.length} conflicts, ${told.rejected.length} rejected`,
      );
    }
    this.cursor = told.vector_clock['server'] ?? '';
  }

  /** Syncs until there is no more. @returns the bodies that were sent, to be sent again. */
  async pullAll(): Promise<Buffer[]> {
    const sent: Buffer[] = [];
    for (let more = true; more;) {
      const body = this.body();
      const answer = await this.sync(body);
      sent.push(body);
      more = answer.body.includes('"has_more":true');
    }
    return sent;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
