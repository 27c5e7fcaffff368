/**
 * Runs the hub with a simulated house: twelve devices that connect to the real broker, announce themselves, obey and
 * live a little. For looking around without owning a device; its data lies apart from a real home's.
 */
import mqtt, { type MqttClient } from 'mqtt';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import type { SimulatedDevice, Wire } from './demo/simulated-device.ts';

import { randomToken } from '../src/base/ids.ts';
import { errorText } from '../src/base/errors.ts';
import { writeFileDurably } from '../src/base/files.ts';
import { welcomeText } from '../src/cli/cli.ts';
import { loadConfig } from '../src/config/config.ts';
import { startHub } from '../src/hub.ts';
import { demoHouse } from './demo/house.ts';

const { config, secrets } = loadConfig({
  argv: process.argv.slice(2),
  env: { FUNKYGIBBON_DATA_DIR: resolve('data-demo'), FUNKYGIBBON_HOME__NAME: 'Demo house', ...process.env },
  cwd: process.cwd(),
  stderrIsTty: process.stderr.isTTY,
});
if (config.mqtt.mode !== 'embedded')
  throw new Error('the demo needs the embedded broker: leave mqtt.mode alone');
process.umask(0o077);

const passwordFile = resolve(config.dataDir, 'demo-password.txt');
const adminPassword = secrets.adminPassword ?? keptPassword(passwordFile);
mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
if (!existsSync(passwordFile)) writeFileDurably(passwordFile, adminPassword, 0o600);
const hub = await startHub(config, { ...secrets, adminPassword }).catch((error: unknown) => {
  console.error(errorText(error));
  process.exit(1);
});
process.stdout.write(`ready ${JSON.stringify(hub.ready)}\n`);
const pairing = hub.pairing();
if (!pairing.mqtt) throw new Error('the hub has no broker');

const house = demoHouse();
const client = mqtt.connect(String(hub.ready.mqtt_url), {
  username: pairing.mqtt.username,
  password: pairing.mqtt.password,
  clientId: 'demo-house',
});
client.on('error', (error) => console.error(`The simulated house lost the broker: ${error.message}`));
const wire: Wire = {
  publish: (topic, payload, retain = false) => void client.publish(topic, payload, { retain }),
};
const timers = new Set<NodeJS.Timeout>();
client.once('connect', () => moveIn(client, house));
process.stderr.write(`\n${welcomeText(pairing)}\n\n${tour(pairing.httpUrl)}\n`);

const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop());
await stopped;
for (const timer of timers) clearInterval(timer);
await client.endAsync();
await hub[Symbol.asyncDispose]();

function moveIn(broker: MqttClient, devices: readonly SimulatedDevice[]): void {
  const handlers = new Map(devices.flatMap(({ commands }) => Object.entries(commands)));
  broker.on('message', (topic, payload) => {
    try {
      handlers.get(topic)?.(payload.toString(), wire);
    } catch (error) {
      console.error(`A simulated device did not understand ${topic}: ${errorText(error)}`);
    }
  });
  for (const topic of handlers.keys()) broker.subscribe(topic);
  for (const device of devices) {
    for (const { topic, config: described } of device.discovery) {
      wire.publish(`${config.mqtt.discoveryPrefix}/${topic}/config`, JSON.stringify(described), true);
    }
    device.online(wire);
    const { life } = device;
    if (life) timers.add(setInterval(() => life.step(wire), life.everyS * 1000));
  }
}

/** The password of an earlier start, which made the owner, or a new one. */
function keptPassword(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : randomToken(9);
}

/** What a newcomer may type next. */
function tour(httpUrl: string): string {
  return [
    `The simulated house has ${house.length} devices. Look around as the owner, "admin":`,
    '',
    `  TOKEN=$(curl -s ${httpUrl}/api/auth/login -H 'content-type: application/json' \\`,
    `    -d '{"username":"admin","password":"${adminPassword}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -s ${httpUrl}/api/entities?entity_type=device -H "authorization: Bearer $TOKEN"`,
    '',
    'or without a token, in another terminal:',
    '',
    `  scripts/funkygibbon devices --data-dir ${config.dataDir}`,
    `  scripts/funkygibbon devices "Kitchen lamp" --data-dir ${config.dataDir}`,
    '',
    'Ctrl-C stops it. Delete the folder data-demo to begin anew.',
  ].join('\n');
}
