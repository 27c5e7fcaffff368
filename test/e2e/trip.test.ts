import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { PairingInfo } from '../../src/cli/types.ts';

import {
  accessoryNamed,
  Controller,
  keyOf,
  servicesOf,
  structureOf,
  valueOf,
  type Address,
  type HapAccessory,
} from '../homekit/controller.ts';
import { buildDaemon, Daemon, runCommand } from '../support/daemon.ts';
import { Phone, type WireChange } from '../support/phone.ts';
import { temporaryFolder } from '../support/store.ts';
import { haveRecordedPayloads, ownHouse, recordedHouse, type House } from './payloads.ts';

const PASSWORD = 'correct horse battery';
const MQTT_PASSWORD = 'a broker password';
const env = {
  FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
  FUNKYGIBBON_MQTT__USERNAME: 'devices',
  FUNKYGIBBON_MQTT__PASSWORD: MQTT_PASSWORD,
};

beforeAll(async () => {
  await buildDaemon();
}, 60_000);

const houses = [ownHouse(), ...(haveRecordedPayloads ? [recordedHouse()] : [])];

test.skipIf(haveRecordedPayloads)(
  'payloads that real firmware published are not there (../shared/fixtures)',
  (context) => context.skip(),
);

describe('the whole trip', () => {
  const folder = temporaryFolder();
  let daemon: Daemon;
  let device: MqttClient;
  let controller: Controller;
  let phone: Phone;
  let second: Phone;
  const commands: { topic: string; payload: string }[] = [];
  /** All that the phone was ever sent. */
  const pulled: WireChange[] = [];

  beforeAll(async () => {
    daemon = await Daemon.start({ dataDir: folder.path, env });
    device = await connectDevice(daemon);
    phone = await Phone.login(daemon.ready.http_url, 'phone-1', PASSWORD);
    second = await Phone.login(daemon.ready.http_url, 'phone-2', PASSWORD);
    await phone.follow();
    for (const house of houses) await announce(device, house);
  }, 30_000);
  afterAll(async () => {
    await phone[Symbol.asyncDispose]();
    await controller?.[Symbol.asyncDispose]();
    await device.endAsync(true);
    await daemon[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Its lamps report the brightness that they are told; what else they are told is only noted. */
  async function connectDevice(to: Daemon): Promise<MqttClient> {
    const client = await mqtt.connectAsync(to.ready.mqtt_url, {
      username: 'devices',
      password: MQTT_PASSWORD,
    });
    client.on('message', (topic, payload) => {
      commands.push({ topic, payload: payload.toString() });
      const { brightness } = JSON.parse(payload.toString()) as { brightness?: number };
      const lamp = houses.find((house) => house.lamp.commandTopic === topic)?.lamp;
      if (brightness === undefined || !lamp) return;
      client.publish(lamp.stateTopic, JSON.stringify({ ...(JSON.parse(lamp.on) as object), brightness }));
    });
    for (const { lamp } of houses) await client.subscribeAsync(lamp.commandTopic);
    return client;
  }

  function lastTold({ lamp }: House): string | undefined {
    return commands.findLast(({ topic }) => topic === lamp.commandTopic)?.payload;
  }

  test('every announced device becomes an entity', async () => {
    const expected = houses.flatMap(({ names }) => names);
    const names = await vi.waitFor(async () => {
      const list = await phone.call<{ items: { content: { name: string } }[] }>(
        'GET',
        '/api/entities?entity_type=device',
      );
      const found = list.items.map(({ content }) => content.name);
      if (found.length < expected.length) throw new Error(`only ${found.join(', ')}`);
      return found;
    });
    expect(names.toSorted()).toEqual(expected.toSorted());
  });

  test('a controller pairs with the code that the hub shows and sees the devices', async () => {
    const { homekit } = JSON.parse(
      await runCommand(['pair', '--json', '--data-dir', folder.path]),
    ) as PairingInfo;
    expect(homekit?.paired).toBe(false);
    controller = await Controller.pair(homekit!);
    for (const { lamp, temperature } of houses) {
      expect(servicesOf(await findAccessory(controller, lamp.name), 'Lightbulb')).toHaveLength(1);
      const sensor = await findAccessory(controller, temperature.device);
      const [celsius] = await controller.read(keyOf(sensor, 'TemperatureSensor', 'CurrentTemperature'));
      expect(celsius?.value).toBe(temperature.celsius);
    }
  });

  for (const house of houses) {
    const { lamp } = house;

    test(`Apple Home switches ${lamp.name}: the MQTT command is seen, the report reaches Apple Home and the phone`, async () => {
      const on = keyOf(await findAccessory(controller, lamp.name), 'Lightbulb', 'On');
      await device.publishAsync(lamp.stateTopic, lamp.off);
      await vi.waitFor(async () => expect((await controller.read(on))[0]?.value).toBe(0));
      await using watcher = await controller.watch(on);
      await controller.write({ [on]: true });
      const told = await vi.waitFor(() => {
        const found = lastTold(house);
        if (found === undefined) throw new Error('no command yet');
        return JSON.parse(found) as { state: string };
      });
      expect(told.state).toBe('ON');
      await device.publishAsync(lamp.stateTopic, lamp.on);
      await vi.waitFor(() => expect(watcher.events).toContainEqual({ key: on, value: 1 }));
      const entityId = await idOf(phone, lamp.name);
      await phone.message(
        'state_change',
        (change) =>
          change['entity_id'] === entityId && change['capability'] === 'on_off' && change['value'] === true,
      );
    });

    test(`a phone commands ${lamp.name} over WebSocket and over HTTP, and bad values are refused with what is accepted`, async () => {
      const entityId = await idOf(phone, lamp.name);
      const answer = await phone.call<{ status: string }>('POST', `/api/entities/${entityId}/commands`, {
        capability: 'brightness',
        value: 40,
      });
      expect(answer.status).toBe('confirmed');
      expect(lastTold(house)).toMatch(/"brightness":10\d/);
      phone.send({
        type: 'command',
        request_id: lamp.name,
        entity_id: entityId,
        capability: 'brightness',
        value: 20,
      });
      await vi.waitFor(() => expect(lastTold(house)).toMatch(/"brightness":5[01]/));
      await phone.message('command_result', ({ request_id: id }) => id === lamp.name);
      await expect(
        phone.call('POST', `/api/entities/${entityId}/commands`, { capability: 'brightness', value: 4000 }),
      ).rejects.toThrow(/1 to 100/);
      const state = await phone.call<{ available: boolean; values: Record<string, { value: unknown }> }>(
        'GET',
        `/api/entities/${entityId}/state`,
      );
      expect(state.available).toBe(true);
      expect(state.values['on_off']?.value).toBe(true);
    });

    test(`a phone pulls ${lamp.name} and renames it; Apple Home and a second phone see the new name`, async () => {
      for (const change of (await phone.sync()).changes) pulled.push(change);
      await second.sync();
      const seen = pulled.find(({ content }) => content?.['name'] === lamp.name) as WireChange;
      const edit = phone.edit(seen, { name: newName(house) });
      const pushed = await phone.sync([edit]);
      expect(pushed.applied).toEqual([edit.entity_version]);
      const other = await second.sync();
      expect(other.changes.map(({ entity_id, content }) => [entity_id, content?.['name']])).toContainEqual([
        seen.entity_id,
        newName(house),
      ]);
      await phone.message(
        'entity_change',
        ({ entity_id, version }) => entity_id === seen.entity_id && version === edit.entity_version,
      );
      await findAccessory(controller, newName(house));
    });
  }

  test('kill -9 and a restart change nothing: ids, pairing, names, cursor', async () => {
    const before = structure(await controller.accessories());
    await second.sync();
    const idle = await second.sync();
    expect(idle.changes).toEqual([]);
    const { pairing } = controller;
    await phone[Symbol.asyncDispose]();
    await device.endAsync(true);
    await controller[Symbol.asyncDispose]();
    await daemon.kill();

    daemon = await Daemon.start({ dataDir: folder.path, env });
    expect(daemon.ready.homekit.paired).toBe(true);
    phone = await Phone.login(daemon.ready.http_url, 'phone-1', PASSWORD);
    const { bridges } = await phone.call<{ bridges: [Address] }>('GET', '/api/homekit');
    controller = new Controller(bridges[0], pairing);
    expect(structure(await controller.accessories())).toEqual(before);
    device = await connectDevice(daemon);
    for (const house of houses) await announce(device, house);
    expect(structure(await controller.accessories())).toEqual(before);
    for (const house of houses) await findAccessory(controller, newName(house));

    const resumed = await Phone.login(daemon.ready.http_url, 'phone-2', PASSWORD);
    resumed.clock = second.clock;
    const delta = await resumed.sync();
    expect(delta.resync).toBe(false);
    expect(delta.changes).toEqual([]);
  });

  test('SIGTERM stops it with exit code 0 and nothing secret in the log', async () => {
    await controller[Symbol.asyncDispose]();
    expect(await daemon.stop()).toBe(0);
    for (const secret of [PASSWORD, MQTT_PASSWORD, phone.token]) expect(daemon.log).not.toContain(secret);
  });
});

function newName({ lamp }: House): string {
  return `Grandma’s ${lamp.name}`;
}

async function announce(device: MqttClient, house: House): Promise<void> {
  for (const { topic, payload } of house.announcements) {
    await device.publishAsync(topic, payload, { qos: 1, retain: true });
  }
}

async function findAccessory(controller: Controller, name: string): Promise<HapAccessory> {
  return await vi.waitFor(async () => accessoryNamed(await controller.accessories(), name), {
    timeout: 8000,
    interval: 50,
  });
}

/** Everything that Apple Home's rooms and scenes hang on: ids of accessories, services, characteristics; and names. */
function structure(accessories: readonly HapAccessory[]): unknown {
  return accessories
    .map((accessory) => [valueOf(accessory, 'AccessoryInformation', 'Name'), structureOf(accessory)])
    .toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}

async function idOf(phone: Phone, name: string): Promise<string> {
  const list = await phone.call<{ items: { id: string; content: { name: string } }[] }>(
    'GET',
    '/api/entities?entity_type=device',
  );
  const found = list.items.find(({ content }) => content.name === name);
  if (!found) throw new Error(`no device "${name}"`);
  return found.id;
}
