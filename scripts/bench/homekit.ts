import { accessoryNamed, Controller, keyOf, type Address } from '../../test/homekit/controller.ts';
import { announceLamps, openBenchHome, type BenchHome } from './home.ts';
import { median, ms, pause, quantile, type Result } from './measure.ts';

/** With the motion sensor as many as one bridge takes. */
const LAMPS = 148;
const READS = 100;
const VERIFIES = 50;
const EVENTS = 40;
/** hap-nodejs collects the events of most characteristics for so long before it sends them. */
const COLLECTED_MS = 250;
const MOTION = 'motion/hall';

interface Bridges {
  readonly bridges: readonly (Address & { readonly number: number; readonly accessories: number })[];
}

/**
 * A controller on the full bridge of the built hub: the whole list, pair-verify with the first read of a new connection,
 * and how long a device's report takes to the phone.
 */
export async function benchHomekit(): Promise<Result[]> {
  await using home = await openBenchHome();
  await announceMotion(home);
  await announceLamps(home, LAMPS);
  const bridge = await fillFirstBridge(home);
  await using phone = await Controller.pair(bridge);
  const accessories = await phone.accessories();
  if (accessories.length !== LAMPS + 2) throw new Error(`the bridge has ${accessories.length} accessories`);
  const lists: number[] = [];
  for (let read = 0; read < READS; read++) lists.push(await timeOf(async () => await phone.accessories()));
  const lamp = accessoryNamed(accessories, 'Lamp 7');
  const verifies = await timeVerifies(bridge, phone, keyOf(lamp, 'Lightbulb', 'On'));
  const motion = keyOf(accessoryNamed(accessories, 'Hall'), 'MotionSensor', 'MotionDetected');
  const brightness = keyOf(lamp, 'Lightbulb', 'Brightness');
  await using watcher = await phone.watch(motion, brightness);
  const motions = await timeEvents(watcher, motion, async (n) => {
    await home.devices.publishAsync(MOTION, n % 2 === 0 ? 'ON' : 'OFF');
  });
  const dims = await timeEvents(watcher, brightness, async (n) => {
    const level = 20 + n * 5;
    await home.devices.publishAsync('lamp/7', JSON.stringify({ state: 'ON', brightness: level }));
  });
  return [
    result('/accessories of 149 devices', lists, 60),
    result('connection, pair-verify and a first read', verifies.whole, 50),
    result('connection and pair-verify alone: that, less a second read on it', verifies.verify, 50),
    result('MQTT report to HomeKit event: motion, sent at once', motions, 50),
    result(
      `the same for brightness, which the library collects for ${COLLECTED_MS} ms`,
      dims,
      COLLECTED_MS + 50,
    ),
  ];
}

function result(what: string, times: readonly number[], aimMs: number): Result {
  const typical = median(times);
  return {
    what,
    measured: `${ms(typical)} (p95 ${ms(quantile(times, 0.95))})`,
    aim: `${aimMs} ms`,
    met: typical <= aimMs,
  };
}

async function announceMotion({ devices }: BenchHome): Promise<void> {
  const config = {
    name: null,
    device_class: 'motion',
    stat_t: MOTION,
    dev: { ids: ['hall'], name: 'Hall', mf: 'Bench', mdl: 'Motion' },
  };
  const topic = 'homeassistant/binary_sensor/hall/motion/config';
  await devices.publishAsync(topic, JSON.stringify(config), { qos: 1, retain: true });
}

/** Puts on the first bridge, as a person may, what went to a second one because the first began to be full. */
async function fillFirstBridge({ phone }: BenchHome): Promise<Address> {
  const read = async (): Promise<Bridges['bridges']> =>
    (await phone.call<Bridges>('GET', '/api/homekit')).bridges;
  while ((await read()).reduce((sum, { accessories }) => sum + accessories, 0) < LAMPS + 1) await pause(100);
  const { items } = await phone.call<{ items: { entity_id: string }[] }>('GET', '/api/devices?limit=500');
  for (const { entity_id: id } of items)
    await phone.call('PATCH', `/api/homekit/devices/${id}`, { bridge: 1 });
  const [first] = await read();
  if (first?.accessories !== LAMPS + 1) throw new Error('the first bridge is not full');
  // c# follows the structure a second later.
  await pause(2000);
  return first;
}

async function timeVerifies(
  bridge: Address,
  phone: Controller,
  key: string,
): Promise<{ whole: number[]; verify: number[] }> {
  const whole: number[] = [];
  const verify: number[] = [];
  for (let round = 0; round < VERIFIES; round++) {
    await using again = new Controller(bridge, phone.pairing);
    const first = await timeOf(async () => await again.read(key));
    const second = await timeOf(async () => await again.read(key));
    whole.push(first);
    verify.push(first - second);
  }
  return { whole, verify };
}

async function timeEvents(
  watcher: Controller,
  key: string,
  report: (n: number) => Promise<void>,
): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < EVENTS; n++) {
    // Past the moment for which the library still collects what came before.
    await pause(2 * COLLECTED_MS);
    const known = watcher.events.length;
    const startedMs = performance.now();
    await report(n);
    while (!watcher.events.slice(known).some((event) => event.key === key)) {
      if (performance.now() - startedMs > 5000) throw new Error(`there was no event of ${key}`);
      await pause(0);
    }
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
