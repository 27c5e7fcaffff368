import type { OutgoingMessage } from '../../src/mqtt/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Broker } from '../../src/mqtt/broker/broker.ts';
import { openStore, PASSWORD, USERNAME, type Folder } from './harness.ts';

/** A broker in a process of its own, which can be killed. */
const path = process.argv[2] ?? '';
const store = await openStore({ path, [Symbol.dispose]: () => undefined } satisfies Folder);
const broker = await Broker.start({
  host: '127.0.0.1',
  port: 0,
  username: USERNAME,
  password: PASSWORD,
  store,
  clock: systemClock,
  log: silentLogger,
  onMessage: () => undefined,
});
process.send?.(`mqtt://127.0.0.1:${broker.port}`);
// As soon as an order counts as taken the power goes.
process.on('message', (message) => {
  void broker.deliver(message as OutgoingMessage).then(() => process.kill(process.pid, 'SIGKILL'));
});
