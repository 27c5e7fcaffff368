import { defineConfig } from 'vitest/config';

/**
 * Parts in their own process, without a hub, a HomeKit library or a changed environment: their files share a worker, and
 * so load the sources once (a third of their time).
 */
const SHARED = [
  'access',
  'activity',
  'automations',
  'base',
  'devices',
  'graph',
  'insights',
  'mqtt/components',
  'mqtt/native',
  'mqtt/template',
  'readings',
  'sync',
].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    unstubGlobals: true,
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: SHARED } },
    ],
  },
});
