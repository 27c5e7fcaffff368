import mqtt from 'mqtt';

import { median, ms, pause, quantile, type Result } from '../measure.ts';
import { FloodProcess } from './flood-process.ts';
import { hasMosquitto, startMosquitto } from './mosquitto.ts';
import { openPlugHome } from './plug-home.ts';
import { toState } from './plugs.ts';

const PLUGS = 100;
/** More than any home has: each of the plugs twenty times a second. */
const LOAD_PER_SECOND = 2000;
const PROBES = 500;
const EVERY_MS = 8;
const ROUNDS = 5;
/** Powers that no other message tells. */
const FIRST_MARKER = 100_000;

/**
 * From publish to the phone's WebSocket while other devices keep the hub busy, beside the hop to a bare subscriber of
 * the same broker, at the same time under the same load: each probe is heard by both.
 */
export async function benchMqttLatency(): Promise<Result[]> {
  const results = await measure('embedded', null);
  if (!hasMosquitto) return results;
  using mosquitto = await startMosquitto();
  results.push(...(await measure('Mosquitto', mosquitto.url)));
  return results;
}

async function measure(name: string, url: string | null): Promise<Result[]> {
  await using plugs = await openPlugHome(url, 'zigbee2mqtt', PLUGS);
  const { home, broker, publisher } = plugs;
  await home.phone.follow();
  using load = await FloodProcess.start(broker);
  const subscriber = await mqtt.connectAsync(broker.url, broker);
  // One device is the probe; the load is on the others.
  const topic = `zigbee2mqtt/${PLUGS - 1}`;
  await subscriber.subscribeAsync(topic);
  const sentMs = new Map<number, number>();
  let hop: number[] = [];
  let live: number[] = [];
  const note = (marker: unknown, times: number[]): void => {
    const sent = typeof marker === 'number' ? sentMs.get(marker) : undefined;
    if (sent !== undefined) times.push(performance.now() - sent);
  };
  subscriber.on('message', (_topic, payload) => {
    note((JSON.parse(payload.toString()) as { power: number }).power, hop);
  });
  const entity = plugs.entities.at(-1);
  home.phone.onMessage((message) => {
    if (message['entity_id'] === entity && message['capability'] === 'power') note(message['value'], live);
  });
  const rounds: { hop: number[]; live: number[] }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    [hop, live] = [[], []];
    const messages = Math.round((LOAD_PER_SECOND * PROBES * EVERY_MS) / 1000);
    const flooding = load.flood({
      base: 'zigbee2mqtt',
      devices: PLUGS - 2,
      messages,
      marker: 1,
      perSecond: LOAD_PER_SECOND,
    });
    for (let n = 0; n < PROBES; n++) {
      const marker = FIRST_MARKER + round * PROBES + n;
      sentMs.set(marker, performance.now());
      publisher.publish(topic, toState(n, marker));
      await pause(EVERY_MS);
    }
    await flooding;
    await pause(500);
    home.phone.messages.length = 0;
    // The first warms up.
    if (round > 0) rounds.push({ hop, live });
  }
  await subscriber.endAsync(true);
  return [0.5, 0.99].map((q) => {
    const ratio = median(rounds.map((round) => quantile(round.live, q) / quantile(round.hop, q)));
    const aim = q === 0.5 ? 2 : 3;
    return {
      what: `MQTT publish to WebSocket at ${LOAD_PER_SECOND} messages a second (${name}), p${q * 100}, against the hop to a bare subscriber`,
      measured: `${ratio.toFixed(2)}x (${ms(median(rounds.map((round) => quantile(round.live, q))))} : ${ms(median(rounds.map((round) => quantile(round.hop, q))))})`,
      aim: `${aim}x`,
      met: ratio <= aim,
    };
  });
}
