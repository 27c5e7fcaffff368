import mqtt, { type MqttClient } from 'mqtt';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Daemon } from '../../test/support/daemon.ts';
import { Phone } from '../../test/support/phone.ts';

const PASSWORD = 'for the benchmark only';

/** Of the embedded broker. */
export const BENCH_LOGIN = { username: 'bench', password: PASSWORD } as const;

/** The built hub on a temporary folder, with a phone and a publisher of devices. */
export interface BenchHome extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly phone: Phone;
  readonly devices: MqttClient;
}

/** @param env further environment of the hub's process; a function of its data folder where it needs that */
export async function openBenchHome(
  env: Readonly<Record<string, string>> | ((folder: string) => Readonly<Record<string, string>>) = {},
): Promise<BenchHome> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'funkygibbon-bench-')));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const home = stack.use(await enterBenchHome(folder, typeof env === 'function' ? env(folder) : env));
  const owned = stack.move();
  return { ...home, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** The same on a folder that stays, and that may have been a hub's before. */
export async function enterBenchHome(
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<BenchHome> {
  const daemon = await Daemon.start({
    dataDir: folder,
    env: {
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_MQTT__USERNAME: BENCH_LOGIN.username,
      FUNKYGIBBON_MQTT__PASSWORD: BENCH_LOGIN.password,
      ...env,
    },
  });
  const phone = await Phone.login(daemon.ready.http_url, 'bench-phone', PASSWORD);
  const devices = await connectDevice(daemon);
  return {
    daemon,
    phone,
    devices,
    async [Symbol.asyncDispose]() {
      await phone[Symbol.asyncDispose]();
      await devices.endAsync(true);
      await daemon.stop();
    },
  };
}

async function connectDevice(daemon: Daemon): Promise<MqttClient> {
  return await mqtt.connectAsync(daemon.ready.mqtt_url, BENCH_LOGIN);
}

/** Announces `count` dimmable lamps and waits until the hub has an entity for each. */
export async function announceLamps(home: BenchHome, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const config = {
      name: null,
      schema: 'json',
      brightness: true,
      supported_color_modes: ['color_temp'],
      cmd_t: `lamp/${n}/set`,
      stat_t: `lamp/${n}`,
      dev: { ids: [`lamp-${n}`], name: `Lamp ${n}`, mf: 'Bench', mdl: 'Dimmer', sa: `Room ${n % 8}` },
    };
    await home.devices.publishAsync(`homeassistant/light/lamp${n}/light/config`, JSON.stringify(config), {
      qos: 1,
      retain: true,
    });
    await home.devices.publishAsync(`lamp/${n}`, JSON.stringify({ state: 'ON', brightness: 100 }), {
      qos: 1,
    });
  }
  let known = 0;
  while (known < count) {
    const list = await home.phone.call<{ items: unknown[] }>(
      'GET',
      '/api/entities?entity_type=device&limit=500',
    );
    known = list.items.length;
  }
}
