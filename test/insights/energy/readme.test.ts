import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Insights } from '../../../src/insights/insights.ts';
import { Usage } from '../../../src/insights/usage/usage.ts';
import { startTestApi, type TestApi } from '../../http/support.ts';
import { openEnergyHome, steady, type EnergyTestHome } from './home.ts';

interface Example {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

const README = readFileSync(join(import.meta.dirname, '../../../src/insights/README.md'), 'utf8');
const DAY = 86_400;

/** Every `curl` of a section, as it would be sent. */
function examplesOf(section: string): Example[] {
  const [, rest = ''] = README.split(`\n## ${section}\n`);
  const [text = ''] = rest.split('\n## ');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const calls = blocks
    .join('')
    .matchAll(/^curl (?:-X (\w+) )?"\$HUB([^"]+)" -H "\$AUTH"(?: -H '[^']+' -d '([^']+)')?$/gm);
  return [...calls].map(([, method = 'GET', path = '', body]) => ({
    method,
    path,
    body: body === undefined ? undefined : (JSON.parse(body) as unknown),
  }));
}

let home: EnergyTestHome;
let api: TestApi;

beforeAll(async () => {
  home = await openEnergyHome();
  home.add('pump', { kinds: ['power'], roomId: 'kitchen' });
  const samples = steady(200, DAY, 300);
  await home.play([{ entityId: 'pump', capability: 'power', samples }], DAY);
  const usage = new Usage({
    log: null,
    home: { entityCounts: () => new Map([['device', 1]]), nameOf: () => null },
    zone: home.zone,
    clock: home.clock,
  });
  const insights = Object.assign(Object.create(Insights.prototype) as Insights, {
    energy: home.energy,
    usage,
  });
  api = await startTestApi({ insights });
  for (const id of ['meter', 'roof', 'washer', 'lamp', 'pump']) {
    const body = { id, entity_type: 'device', content: { name: id } };
    expect((await api.call('POST', '/api/entities', body)).status).toBe(201);
  }
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

test.each([
  ['Energy', 17],
  ['Usage', 1],
])('the calls of the section %s are taken as they stand', async (section, count) => {
  const examples = examplesOf(section);
  const curls = README.split(`\n## ${section}\n`)[1]
    ?.split('\n## ')[0]
    ?.match(/^curl /gm);
  expect(examples).toHaveLength(count);
  expect(curls).toHaveLength(count);
  for (const { method, path, body } of examples) {
    const { items = [] } = (await (await api.call('GET', '/api/analytics/energy/corrections')).json()) as {
      items?: { id: string }[];
    };
    const answer = await api.call(method, path.replace('/ID', `/${items[0]?.id ?? ''}`), body);
    expect([path, answer.status < 300 ? 'taken' : await answer.text()]).toEqual([path, 'taken']);
    await answer.body?.cancel();
  }
});

test('what the examples of prices and corrections do shows in the figures', async () => {
  const answer = await api.call('GET', '/api/analytics/energy?from=2026-03-02&to=2026-03-03');
  const report = (await answer.json()) as { currency: string; home: { kwh: number; cost: number } };
  // Of a pump of 200 W two hours were set to 0.4 kWh; what was left out was taken back.
  expect(report).toMatchObject({ currency: 'EUR', home: { kwh: 4.8 } });
  const market = [0.091, 0.087, 0.08, -0.004].reduce((sum, price) => sum + 0.2 * (1.19 * price + 0.18), 0);
  expect(report.home.cost).toBeCloseTo(market + 20 * 0.2 * 0.36, 3);
});
