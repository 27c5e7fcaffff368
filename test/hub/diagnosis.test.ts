import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { readDeviceOrder, runDeviceCommand } from '../../src/cli/cli.ts';
import { deviceText } from '../../src/cli/device-texts.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
/** Apple Home is shown a change of structure once discovery is quiet. */
const SETTLED = { timeout: 10_000 };
const ZIGBEE = { topic: 'zigbee2mqtt/bridge/state', value_template: '{{ value_json.state }}' };

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let device: MqttClient;
let token: string;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await startTestHub(folder.path, {
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_HOME__NAME: 'Home',
  });
  const { username = '', password = '' } = hub.pairing().mqtt ?? {};
  device = await connectAsync(hub.ready.mqtt_url ?? '', { username, password, reconnectPeriod: 0 });
  const login = await call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
  token = String(login['access_token']);
});
afterEach(async () => {
  await device.endAsync(true);
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

async function publish(topic: string, payload: unknown, retain = false): Promise<void> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  await device.publishAsync(topic, text, { qos: 1, retain });
}

/** A lamp of Zigbee2MQTT; resolves when it is a device. */
async function announceLamp(name: string): Promise<string> {
  await publish(
    `homeassistant/light/${name}/light/config`,
    {
      name: null,
      schema: 'json',
      brightness: true,
      brightness_scale: 254,
      supported_color_modes: ['brightness'],
      command_topic: `zigbee2mqtt/${name}/set`,
      state_topic: `zigbee2mqtt/${name}`,
      availability: [ZIGBEE],
      device: { identifiers: [`zigbee2mqtt_${name}`], name },
    },
    true,
  );
  return await vi.waitFor(async () => {
    const { items } = (await call('GET', '/api/devices')) as unknown as {
      items: { entity_id: string; name: string }[];
    };
    const found = items.find((item) => item.name === name);
    if (!found) throw new Error(`there is no ${name} yet`);
    return found.entity_id;
  });
}

async function run(...words: string[]): Promise<string> {
  const [command, ...rest] = words as ['devices' | 'mqtt', ...string[]];
  return await runDeviceCommand(readDeviceOrder(command, rest), folder.path, AbortSignal.timeout(20_000));
}

describe('where a value comes from', () => {
  test('by the API and on the command line: topic, template, last message, Apple Home', async () => {
    const id = await announceLamp('desk');
    await publish('zigbee2mqtt/bridge/state', { state: 'online' }, true);
    await publish('homeassistant/sensor/desk/linkquality/config', {
      name: 'Link quality',
      entity_category: 'diagnostic',
      state_topic: 'zigbee2mqtt/desk',
      value_template: '{{ value_json.linkquality | int }}',
      unit_of_measurement: 'lqi',
      device: { identifiers: ['zigbee2mqtt_desk'] },
    });
    await publish('zigbee2mqtt/desk', { state: 'ON', brightness: 127, linkquality: 'far' });
    await vi.waitFor(async () => {
      const explained = await call('GET', `/api/devices/${id}/explain`);
      expect(explained).toMatchObject({
        entity_id: id,
        name: 'desk',
        available: true,
        unavailable_because: null,
        components: [
          {
            id: 'light/desk/light',
            source: 'discovery',
            announced_on: 'homeassistant/light/desk/light/config',
            availability: [{ topic: 'zigbee2mqtt/bridge/state', available: true }],
            last_message: {
              topic: 'zigbee2mqtt/desk',
              payload: expect.stringContaining('"brightness":127') as string,
            },
            capabilities: [
              { name: 'on_off', value: true, homekit: ['Lightbulb On'] },
              { name: 'brightness', value: 50, homekit: ['Lightbulb Brightness'] },
            ],
          },
          {
            id: 'sensor/desk/linkquality',
            last_failure: { reason: expect.stringMatching(/no whole number/) as string },
            capabilities: [
              {
                name: 'number',
                value: null,
                unit: 'lqi',
                from: [{ topic: 'zigbee2mqtt/desk', template: '{{ value_json.linkquality | int }}' }],
                homekit: [],
                not_in_homekit: 'Settings and diagnostics stay out of Apple Home.',
              },
            ],
          },
        ],
      });
    }, SETTLED);
    expect(await run('devices')).toMatch(/^DEVICE .*\ndesk .*on_off true, brightness 50 %/);
    const text = await run('devices', 'DESK');
    expect(text).toMatch(/^desk \(\S+\) is available\n/);
    expect(text).toMatch(/brightness = 50 %/);
    expect(text).toMatch(/from {6}zigbee2mqtt\/desk {2}\{\{ value_json.linkquality \| int \}\}/);
    expect(text).toMatch(/HomeKit {3}Lightbulb Brightness/);
    expect(text).toMatch(/last error/);
    await expect(run('devices', 'nothing')).rejects.toThrow('There is no device "nothing".');
    expect((await call('GET', '/api/devices/nothing/explain'))['code']).toBe('NOT_FOUND');
  });
});

describe('what is wrong', () => {
  test('one dead bridge is one problem, and the reason why a command fails', async () => {
    const ids = [await announceLamp('desk'), await announceLamp('sofa'), await announceLamp('hall')];
    await publish('zigbee2mqtt/bridge/state', { state: 'online' }, true);
    await vi.waitFor(async () => expect(await call('GET', '/api/mqtt')).toMatchObject({ problems: [] }));
    await publish('zigbee2mqtt/bridge/state', { state: 'offline' }, true);
    await vi.waitFor(async () => {
      const { problems } = await call('GET', '/api/mqtt');
      expect(problems).toMatchObject([
        {
          kind: 'offline',
          message: 'zigbee2mqtt is offline, and 3 devices with it.',
          topic: 'zigbee2mqtt/bridge/state',
          since: expect.stringMatching(/^20\d\d-/) as string,
          devices: [{ name: 'desk' }, { name: 'sofa' }, { name: 'hall' }],
        },
      ]);
    });
    expect(await run('mqtt')).toMatch(
      /! zigbee2mqtt is offline, and 3 devices with it\. \(since .*\n {2}desk, sofa, hall/,
    );
    const refused = await call('POST', `/api/entities/${ids[0]}/commands`, {
      capability: 'on_off',
      value: true,
    });
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      detail: 'desk cannot be reached at the moment: zigbee2mqtt/bridge/state says that it is offline.',
    });
  });

  test('ghosts are listed, and forgotten when a person says so', async () => {
    await announceLamp('desk');
    await announceLamp('gone');
    await publish('zigbee2mqtt/desk', { state: 'ON' });
    await vi.waitFor(async () => {
      const { items } = await call('GET', '/api/mqtt/ghosts?silent_hours=0');
      expect(items).toMatchObject([
        { topic: 'homeassistant/light/gone/light/config', device: { name: 'gone' }, last_heard_at: null },
      ]);
    });
    // Nothing counts as gone after a few seconds.
    expect(await call('GET', '/api/mqtt/ghosts')).toEqual({ items: [] });
    expect(await run('mqtt', 'ghosts', '--hours', '0')).toMatch(/gone +never +homeassistant\/light\/gone/);
    await expect(run('mqtt', 'forget', 'homeassistant/light/other/config')).rejects.toThrow(
      /Nothing is announced/,
    );
    expect(await run('mqtt', 'forget', 'homeassistant/light/gone/light/config')).toMatch(/^1 forgotten/);
    await vi.waitFor(async () => {
      expect(await call('GET', '/api/mqtt/ghosts?silent_hours=0')).toEqual({ items: [] });
    });
    const { items: told } = (await call('GET', '/api/audit?action=mqtt.forget')) as unknown as {
      items: unknown[];
    };
    expect(told).toMatchObject([
      { username: 'terminal', details: { topics: ['homeassistant/light/gone/light/config'], count: 1 } },
    ]);
    // It is the broker that has forgotten: whoever subscribes is told of one lamp.
    const kept: string[] = [];
    device.on('message', (topic) => kept.push(topic));
    await device.subscribeAsync('homeassistant/#', { qos: 1 });
    await vi.waitFor(() => expect(kept).toContain('homeassistant/light/desk/light/config'));
    expect(kept).not.toContain('homeassistant/light/gone/light/config');
  });

  test('what nobody understood, without secrets', async () => {
    await announceLamp('desk');
    await publish(
      'homeassistant/camera/door/config',
      { topic: 'door/picture', device: { ids: 'door' } },
      true,
    );
    await publish('homeassistant/sensor/odd/config', '{"broken', true);
    const listening = run('mqtt', 'sniff', '--seconds', '1', '--json');
    const over = { is: false };
    const heard = listening.finally(() => (over.is = true));
    // When it begins to listen is not told, so that there is something to hear all the time.
    while (!over.is) {
      await publish('zigbee2mqtt/desk', { state: 'ON' });
      await publish('rtl_433/thermo', { temperature: 21.5, wifi_password: 'hunter2', pin: 1234 });
    }
    const report = JSON.parse(await heard) as Record<string, unknown>;
    expect(report).toMatchObject({
      unread: [{ topic: 'rtl_433/thermo', payload: expect.stringContaining('21.5') as string }],
      refused: [{ topic: 'homeassistant/sensor/odd/config' }],
      unsupported: [{ component: 'camera/door', reason: expect.stringMatching(/Cameras/) as string }],
    });
    expect(JSON.stringify(report)).not.toMatch(/hunter2|1234/);
    const both = await Promise.all(
      [1, 2].map(async () => await call('POST', '/api/mqtt/sniff', { seconds: 1 })),
    );
    expect(both.map(({ code }) => code ?? 'heard')).toEqual(expect.arrayContaining(['CONFLICT', 'heard']));
    expect(await run('mqtt', 'sniff', '--seconds', '1')).toMatch(
      /^## What FunkyGibbon .*\n[^]*### Descriptions that could not be used\n\n- `homeassistant\/sensor\/odd\/config`/,
    );
  });
});

describe('a login of its own', () => {
  test('is made and ended on the command line, told in the audit log, and known to the API', async () => {
    expect(await run('mqtt', 'users')).toMatch(/^No device has a login of its own/);
    const told = await run('mqtt', 'users', 'add', 'kitchen-lamp');
    const password = /\n {2}(\S+)\n/.exec(told)?.[1] ?? '';
    const lamp = await connectAsync(hub.ready.mqtt_url ?? '', {
      username: 'kitchen-lamp',
      password,
      reconnectPeriod: 0,
    });
    expect(await run('mqtt', 'users')).toMatch(/kitchen-lamp +1 +# +#/);
    const ended = Promise.withResolvers<undefined>();
    lamp.once('close', () => ended.resolve(undefined));
    expect((await call('PATCH', '/api/mqtt/users/kitchen-lamp', { publish: ['lamp/#'] }))['publish']).toEqual(
      ['lamp/#'],
    );
    await ended.promise;
    expect(await run('mqtt', 'users', 'remove', 'kitchen-lamp')).toMatch(/^Removed/);
    await expect(run('mqtt', 'users', 'remove', 'kitchen-lamp')).rejects.toThrow(/kitchen-lamp/);
    const { items } = (await call('GET', '/api/audit')) as unknown as { items: { action: string }[] };
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['mqtt_user.create', 'mqtt_user.change', 'mqtt_user.delete']),
    );
    expect(JSON.stringify(items)).not.toContain(password);
    await lamp.endAsync(true);
  });
});

describe('two sources of one device', () => {
  test("a plug's own description takes over from discovery, and its names stay", async () => {
    const mac = 'AABBCCDDEEFF';
    await publish(
      `homeassistant/switch/DDEEFF_RL_1/config`,
      {
        name: 'Plug',
        command_topic: 'cmnd/plug/POWER',
        state_topic: 'tele/plug/STATE',
        value_template: '{{ value_json.POWER }}',
        device: { identifiers: ['DDEEFF'], connections: [['mac', 'aa:bb:cc:dd:ee:ff']], name: 'Plug' },
      },
      true,
    );
    const before = await vi.waitFor(async () => {
      const { items } = (await call('GET', '/api/devices')) as unknown as {
        items: { entity_id: string; capabilities: { component: string }[] }[];
      };
      expect(items).toHaveLength(1);
      return items[0];
    });
    await publish(
      `tasmota/discovery/${mac}/config`,
      {
        ip: '192.168.1.20',
        dn: 'Plug',
        fn: ['Plug', null],
        hn: 'plug',
        mac,
        md: 'Plug S',
        ty: 0,
        if: 0,
        ofln: 'Offline',
        onln: 'Online',
        state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
        sw: '13.4.0',
        t: 'plug',
        ft: '%prefix%/%topic%/',
        tp: ['cmnd', 'stat', 'tele'],
        rl: [1, 0],
        swc: [-1],
        swn: [null],
        btn: [0],
        so: {
          '4': 0,
          '11': 0,
          '13': 0,
          '17': 0,
          '20': 0,
          '30': 0,
          '68': 0,
          '73': 0,
          '82': 0,
          '114': 0,
          '117': 0,
        },
        lk: 0,
        lt_st: 0,
        sho: [],
        sht: [],
        ver: 1,
      },
      true,
    );
    await publish(`tasmota/discovery/${mac}/sensors`, { sn: { Time: '2026-01-01T00:00:00' }, ver: 1 }, true);
    await publish('tele/plug/LWT', 'Online', true);
    await publish('tele/plug/STATE', { POWER: 'ON' });
    await vi.waitFor(async () => {
      const { items } = (await call('GET', '/api/devices')) as unknown as {
        items: { entity_id: string; model: string; capabilities: unknown[]; values: unknown }[];
      };
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject({
        entity_id: before?.entity_id,
        model: 'Plug S',
        values: { on_off: { value: true } },
      });
      expect(items[0]?.capabilities[0]).toMatchObject({
        name: 'on_off',
        component: before?.capabilities[0]?.component,
      });
    });
    const explained = await call('GET', `/api/devices/${before?.entity_id}/explain`);
    expect(explained['components']).toContainEqual(
      expect.objectContaining({ type: 'switch', source: 'tasmota' }),
    );
  });
});

test('what a device sends does not move the cursor of the terminal', () => {
  const text = deviceText(
    'explain',
    {
      entity_id: 'x',
      name: 'Esc\u001b[2J\nDevice',
      available: false,
      unavailable_because: 'a\u001b]0;b\u0007c',
      components: [],
    },
    '1.0.0',
  );
  expect(text).toBe('Esc [2J Device (x) is offline: a ]0;b c');
});

describe('the words after devices and mqtt', () => {
  test.each([
    [['devices'], 'devices', {}],
    [['devices', 'Desk lamp', '--json'], 'explain', { device: 'Desk lamp' }],
    [['mqtt'], 'mqtt', {}],
    [['mqtt', 'ghosts', '--hours=3'], 'mqtt_ghosts', { silent_hours: 3 }],
    [['mqtt', 'sniff', '--seconds', '5', '--data-dir', 'x'], 'mqtt_sniff', { seconds: 5 }],
    [['mqtt', 'forget', 'a/config', 'b/config'], 'mqtt_forget', { topics: ['a/config', 'b/config'] }],
    [['mqtt', 'users'], 'mqtt_users', {}],
    [['mqtt', 'users', 'add', 'lamp'], 'mqtt_user_add', { name: 'lamp' }],
  ] as const)('%j', (words: readonly string[], ask, args) => {
    const [command, ...rest] = words as ['devices' | 'mqtt', ...string[]];
    const order = readDeviceOrder(command, rest);
    expect(order).toMatchObject({ ask, args, json: words.includes('--json') });
    expect(order.configFlags).toEqual(words.includes('--data-dir') ? ['--data-dir', 'x'] : []);
  });

  test.each([
    ['devices', 'a', 'b'],
    ['mqtt', 'dance'],
    ['mqtt', 'forget'],
    ['mqtt', 'users', 'paint', 'lamp'],
    ['mqtt', 'users', 'add'],
    ['mqtt', 'status', 'now'],
    ['mqtt', 'sniff', '--seconds', '0'],
    ['mqtt', 'sniff', '--seconds', 'long'],
  ])('%j %j: says what is accepted', (command, ...rest) => {
    expect(() => readDeviceOrder(command as 'devices' | 'mqtt', rest)).toThrow(/takes|quotes/);
  });
});
