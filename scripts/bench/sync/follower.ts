import { once } from 'node:events';
import { WebSocket } from 'ws';

const TOLD_WITHIN_MS = 5000;

/** A WebSocket that looks at everything and only counts: what it is sent is not parsed, to cost as little as it can. */
export class Follower implements AsyncDisposable {
  readonly #socket: WebSocket;
  #count = 0;
  #waiting: { until: number; resolve: () => void } | undefined;
  /** How often the hub found that this reads too slowly, and told it to catch up by sync. */
  dropped = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#count += 1;
      const dropped = data.length < 300 && data.includes('resync_required');
      if (dropped) this.dropped += 1;
      if (dropped || this.#count >= (this.#waiting?.until ?? Infinity)) this.#waiting?.resolve();
    });
  }

  static async open(url: string, userId: string, token: string): Promise<Follower> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/${userId}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const follower = new Follower(socket);
    await once(socket, 'open');
    const greeted = follower.told(2);
    socket.send(JSON.stringify({ type: 'subscribe', entity_id: '*' }));
    await greeted;
    return follower;
  }

  /** Resolves when `count` messages have come, counted from the call, or word that there would be more. */
  async told(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { until: this.#count + count, resolve };
    const timer = setTimeout(resolve, TOLD_WITHIN_MS);
    await promise;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.terminate();
    await closed;
  }
}
