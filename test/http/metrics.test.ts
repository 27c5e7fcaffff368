import { afterAll, beforeAll, expect, test } from 'vitest';

import type { SystemWatch } from '../../src/http/types.ts';

import { expose } from '../../src/ops/metrics/exposition.ts';
import { HttpMetrics } from '../../src/ops/metrics/http-metrics.ts';
import { startTestApi, type TestApi } from './support.ts';

const metrics = new HttpMetrics();
const watch: SystemWatch = {
  health: async () => await Promise.resolve({ status: 'ok', sinceMs: 0, checks: [] }),
  metrics: async () =>
    await Promise.resolve({ type: 'text/plain; version=0.0.4', text: expose(metrics.families()) }),
  log: { standing: { level: 'info', endsInMs: null }, lastSeq: 0, find: () => [], setLevel: () => undefined },
};
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ observer: metrics, watch, metricsPublic: true });
});
afterAll(async () => await api[Symbol.asyncDispose]());

/** Reads the text as Prometheus would, and refuses what it would refuse. */
function parse(text: string): Map<string, number> {
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type?.[1] !== undefined) types.set(type[1], type[2] ?? '');
    else if (!line.startsWith('# HELP ')) {
      const sample = /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line);
      if (!sample) throw new Error(`no line of the format: ${line}`);
      const [, name = '', labels = '', value] = sample;
      const family = types.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
      if (!types.has(family)) throw new Error(`${name} has no type`);
      if (values.has(name + labels)) throw new Error(`${name}${labels} is there twice`);
      values.set(name + labels, Number(value === '+Inf' ? Infinity : value));
    }
  }
  return values;
}

const scrape = async (): Promise<Map<string, number>> =>
  parse(await (await fetch(`${api.url}/metrics`)).text());

test('requests are counted by the pattern of their route, whatever is asked for', async () => {
  await api.call('GET', '/api/entities/nothing-1');
  await api.call('GET', '/api/entities/nothing-2');
  await api.call('HEAD', '/health');
  await api.call('POST', '/health');
  for (let n = 0; n < 50; n += 1) await fetch(`${api.url}/${Math.random()}/x?y=${n}`);
  const values = await scrape();
  expect(values.get('http_requests_total{method="GET",endpoint="/api/entities/{id}",status="4xx"}')).toBe(2);
  expect(values.get('http_requests_total{method="HEAD",endpoint="/health",status="2xx"}')).toBe(1);
  expect(values.get('http_requests_total{method="POST",endpoint="/health",status="4xx"}')).toBe(1);
  expect(values.get('http_requests_total{method="GET",endpoint="unmatched",status="4xx"}')).toBe(50);
  // The scrape itself is under way.
  expect(values.get('http_requests_in_flight')).toBe(1);
  const duration = 'http_request_duration_seconds';
  const labels = 'method="GET",endpoint="unmatched"';
  expect(values.get(`${duration}_count{${labels}}`)).toBe(50);
  expect(values.get(`${duration}_bucket{${labels},le="+Inf"}`)).toBe(50);
  expect(values.get(`${duration}_sum{${labels}}`)).toBeGreaterThanOrEqual(0);
});

test('ten thousand paths and methods that somebody makes up are one series each', () => {
  const many = new HttpMetrics();
  for (let n = 0; n < 10_000; n += 1) {
    many.began();
    many.answered({ method: `M${n}`, endpoint: undefined, status: 100 + (n % 900), ms: n });
  }
  const values = parse(expose(many.families()));
  // Five classes, eight of the durations, and what is in flight.
  expect(values.size).toBeLessThanOrEqual(15);
  expect(values.get('http_request_duration_seconds_count{method="OTHER",endpoint="unmatched"}')).toBe(10_000);
  expect(
    values.get('http_request_duration_seconds_bucket{method="OTHER",endpoint="unmatched",le="0.1"}'),
  ).toBe(101);
  expect(values.get('http_requests_in_flight')).toBe(0);
});

test('counting costs a request next to nothing', () => {
  const many = new HttpMetrics();
  const one = { method: 'GET', endpoint: '/api/entities/{id}', status: 200, ms: 3 };
  for (let n = 0; n < 20_000; n += 1) many.answered(one);
  const startedMs = performance.now();
  for (let n = 0; n < 100_000; n += 1) many.answered(one);
  // Measured 0.5 µs; the limit leaves room for a machine that does other things too.
  expect((performance.now() - startedMs) / 100).toBeLessThan(20);
});

test('texts cannot break out of their place', () => {
  const family = {
    name: 'x',
    help: 'a\nb',
    type: 'gauge',
    samples: [{ labels: { v: '"\\\n' }, value: 1 }],
  } as const;
  expect(expose([family])).toBe('# HELP x a\\nb\n# TYPE x gauge\nx{v="\\"\\\\\\n"} 1\n');
  expect(expose([{ ...family, samples: [] }])).toBe('\n');
});

test('what is not public takes a right', async () => {
  await using closed = await startTestApi({ watch });
  expect((await fetch(`${closed.url}/metrics`)).status).toBe(401);
  expect((await closed.call('GET', '/metrics')).status).toBe(200);
});
