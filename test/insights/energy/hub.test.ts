import { connectAsync } from 'mqtt';
import { expect, test, vi } from 'vitest';

import { ManualClock } from '../../../src/base/clock.ts';
import { askForTask, CONTROL_SOCKET } from '../../../src/cli/cli.ts';
import { energyText, readEnergyOrder } from '../../../src/cli/energy-command.ts';
import { startTestHub } from '../../support/hub.ts';
import { temporaryFolder } from '../../support/store.ts';

const LOGIN = { username: 'plugs', password: 'a password of plugs' };
const PASSWORD = 'correct horse battery';

test('a plug that is found by MQTT is in the answer, and becomes the main meter when a person says so', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(Date.UTC(2026, 2, 2, 8));
  const env = {
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_HOME__TIMEZONE: 'Europe/Berlin',
    FUNKYGIBBON_MQTT__USERNAME: LOGIN.username,
    FUNKYGIBBON_MQTT__PASSWORD: LOGIN.password,
  };
  await using hub = await startTestHub(folder.path, env, { clock });
  const { http_url: url, mqtt_url: mqttUrl } = hub.ready;
  const login = await fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.ok).toBe(true);
    return (await answer.json()) as Record<string, unknown>;
  };
  const plug = await connectAsync(mqttUrl ?? '', LOGIN);
  try {
    await plug.publishAsync(
      'homeassistant/sensor/plug/power/config',
      JSON.stringify({
        name: null,
        stat_t: 'plug/power',
        dev_cla: 'power',
        stat_cla: 'measurement',
        unit_of_meas: 'W',
        uniq_id: 'plug-power',
        dev: { ids: ['plug'], name: 'Plug', sa: 'Kitchen' },
      }),
      { retain: true, qos: 1 },
    );
    await plug.publishAsync('plug/power', '1200', { qos: 1 });
    const deviceOf = async (): Promise<string> => {
      const { items } = (await call('GET', '/api/devices')) as {
        items: { entity_id: string; values: Record<string, { value: unknown }> }[];
      };
      expect(items[0]?.values['power']?.value).toBe(1200);
      return items[0]?.entity_id ?? '';
    };
    const id = await vi.waitFor(deviceOf, { timeout: 5000 });
    clock.advance(15 * 60_000);
    expect(await call('GET', '/api/analytics/energy?days=1')).toMatchObject({
      home: { basis: 'devices', kwh: 0.3 },
      unmetered: null,
      devices: [
        { entity_id: id, name: 'Plug', room: 'Kitchen', source: 'estimated', kwh: 0.3, covered_s: 900 },
      ],
    });
    await call('PATCH', `/api/entities/${id}`, { content: { energy_role: 'main' } });
    expect(await call('GET', '/api/analytics/energy?days=1')).toMatchObject({
      home: { basis: 'main_meter', import_kwh: 0.3 },
      unmetered: { kwh: 0.3, share: 1 },
    });
    const order = readEnergyOrder(['--days=1', '--json', '--data-dir', folder.path]);
    expect(order).toEqual({ days: 1, json: true, configFlags: ['--data-dir', folder.path] });
    const reply = await askForTask(`${folder.path}/${CONTROL_SOCKET}`, 'energy', { days: order.days }, {});
    const text = energyText(reply);
    expect(text).toContain('The home: 0.30 kWh (0.30 kWh from the grid');
    expect(text).toMatch(/^Plug +Kitchen +main +0\.30 +estimated +\d+ %$/m);
    expect(text).toContain('Peak hours: not enough data');
  } finally {
    await plug.endAsync(true);
  }
});

test.each([['0'], ['x'], ['1.5'], ['732'], ['']])('--days %j is refused in words', (days) => {
  expect(() => readEnergyOrder(['--days', days])).toThrow('--days takes a whole number from 1 to 731.');
});

test('the order takes its own words, and leaves the rest to the configuration', () => {
  expect(readEnergyOrder([])).toEqual({ days: 30, json: false, configFlags: [] });
  expect(readEnergyOrder(['--days', '7', '--config', 'x.yaml'])).toEqual({
    days: 7,
    json: false,
    configFlags: ['--config', 'x.yaml'],
  });
  expect(() => readEnergyOrder(['kitchen'])).toThrow('energy takes [--days N] [--json]');
});

test('without devices the command says so', () => {
  expect(energyText({ devices: [] })).toBe('No device has told its power or its energy yet.');
});
