/**
 * A process with two automations that fire (one at 07:30, one when a lamp has been on for five minutes), which kills itself
 * with SIGKILL at the step that it is told. Each command is a line of a file beside the database.
 *
 * Arguments: folder, wall clock at the start in ms, how far it is set on in ms, step (or "none").
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AutomationRights } from '../../src/automations/types.ts';
import type { Tx } from '../../src/base/db.ts';

import { Automations } from '../../src/automations/automations.ts';
import { automationTables } from '../../src/automations/tables.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Devices } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { openTestStore } from '../support/store.ts';
import { becomes, command, describe, MAYA, MAYA_HERE } from './home.ts';

const [folder = '', startMs = '0', onMs = '0', step = 'none'] = process.argv.slice(2);
const clock = new ManualClock(Number(startMs));
let isArmed = false;

function dieAt(here: string): void {
  if (isArmed && step === here) process.kill(process.pid, 'SIGKILL');
}

const store = await openTestStore(folder, [graphTables, deviceTables, automationTables], clock);
/** Every transaction is a step before, inside of and after which the power may go. */
let writes = 0;
const write = store.write.bind(store);
store.write = <T>(body: (tx: Tx) => T): T => {
  writes += isArmed ? 1 : 0;
  const nth = writes;
  dieAt(`before write ${nth}`);
  const result = write((tx) => {
    const value = body(tx);
    dieAt(`inside write ${nth}`);
    return value;
  });
  dieAt(`after write ${nth}`);
  return result;
};
const graph = new Graph({ store, clock, log: silentLogger });
const devices = Devices.start({ store, graph, clock, log: silentLogger });
let sends = 0;
devices.connect({
  send: async (_id, _writes, origin) => {
    sends += 1;
    dieAt(`before send ${sends}`);
    appendFileSync(join(folder, 'sent.log'), `${origin}\n`);
    dieAt(`after send ${sends}`);
    await Promise.resolve();
  },
});
const rights: AutomationRights = {
  principalOf: () => MAYA,
  check: () => undefined,
  authorize: () => undefined,
  record: () => undefined,
};
const isNew = devices.list().length === 0;
if (isNew) for (const name of ['a', 'b']) describe(devices, name, 'on_off');
const idOf = (name: string): string => devices.list().find((view) => view.name === name)?.entityId ?? '';
const options = { store, graph, devices, rights, sun: null, clock, log: silentLogger };
const automations = Automations.start({ ...options, zone: new HomeZone('Europe/Berlin') });
const report = (value: boolean): void =>
  devices.report([{ componentId: 'test/a', kind: 'on_off', value, origin: 'mqtt' }]);
if (isNew) {
  const make = (id: string, trigger: object): void => {
    graph.transaction((writer) =>
      writer.createEntity({
        id,
        entityType: 'automation',
        content: { name: id, trigger, action: command(idOf('b'), true) },
        author: { userId: 'maya', deviceId: 'phone' },
        sourceType: 'manual',
      }),
    );
    automations.edited(id, MAYA_HERE);
  };
  report(false);
  make('wake', { type: 'time', at: '07:30' });
  make('lasting', becomes(idOf('a'), true, { for_seconds: 300 }));
  report(true);
  devices.flush();
  await store.durable();
}
isArmed = true;
// In steps: the time is what is due first, the lamp what is due later.
for (let turn = 0; turn < 6; turn++) {
  clock.advance(Number(onMs) / 6);
  automations.tick();
  await automations.settled();
}
process.stdout.write(
  JSON.stringify({
    writes,
    sends,
    runs: automations.runs(null, 50, 0).map(({ automationId, outcome }) => `${automationId} ${outcome}`),
  }),
);
await automations[Symbol.asyncDispose]();
await devices[Symbol.asyncDispose]();
graph[Symbol.dispose]();
await store[Symbol.asyncDispose]();
