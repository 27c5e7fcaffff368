/**
 * A publisher as a process of its own. Told `{base, devices, messages}` it publishes so many states below `base` as
 * fast as the broker takes them, the last of which carries a number that no other does.
 */
import mqtt from 'mqtt';
import { Socket } from 'node:net';

import type { FloodOrder } from './flood-process.ts';

import { toState } from './plugs.ts';

const [url = '', username, password] = process.argv.slice(2);
const client = await mqtt.connectAsync(
  url,
  username === undefined ? {} : { username, password: password ?? '' },
);
if (client.stream instanceof Socket) client.stream.setNoDelay(true);
/** So many are on their way to the socket at a time: as many as keep it busy, and not the whole flood at once. */
const WINDOW = 500;

process.on('message', (order: FloodOrder) => {
  void flood(order).then(() => process.send?.({ type: 'flooded' }));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });

async function flood({ base, devices, messages, marker, perSecond }: FloodOrder): Promise<void> {
  const begunMs = performance.now();
  const window = perSecond === null ? WINDOW : 10;
  for (let sent = 0; sent < messages; sent += window) {
    const published: Promise<unknown>[] = [];
    for (let n = sent; n < Math.min(messages, sent + window); n++) {
      const isLast = n === messages - 1;
      published.push(
        client.publishAsync(`${base}/${isLast ? devices : n % devices}`, toState(n, isLast ? marker : null)),
      );
    }
    await Promise.all(published);
    if (perSecond !== null) await untilDue(begunMs + ((sent + window) * 1000) / perSecond);
  }
}

async function untilDue(dueMs: number): Promise<void> {
  const earlyMs = dueMs - performance.now();
  if (earlyMs <= 1) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, earlyMs);
  await promise;
}
