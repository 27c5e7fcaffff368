import * as z from 'zod';

import type { LogBook } from '../base/log-book.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { HubConfig } from '../config/config.ts';
import type { HttpObserver, HttpPart, SystemWatch } from '../http/types.ts';
import type { HomekitPart } from '../homekit/types.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { LivePart } from '../live/types.ts';
import type { MqttPart } from '../mqtt/types.ts';
import type { BackupHealth, HealthSources } from '../ops/types.ts';
import type { Readings } from '../readings/readings.ts';
import type { Sync } from '../sync/sync.ts';
import type { Shared } from './optional-parts.ts';

import { LOG_LEVELS } from '../base/log-book.ts';
import { LoopWatch } from '../base/loop-watch.ts';
import { healthJson } from '../http/http.ts';
import { EXPOSITION_TYPE, Health, hubChecks, Metrics } from '../ops/ops.ts';

export interface Watched extends Pick<Shared, 'store' | 'devices' | 'clock' | 'log' | 'opening'> {
  readonly version: string;
  readonly nodeId: string;
  /** The data folder. */
  readonly folder: string;
  readonly book: LogBook;
  readonly readings: Pick<Readings, 'counters'>;
  readonly sync: Pick<Sync, 'counters' | 'devices'>;
  readonly mqtt: Pick<MqttPart, 'inspector'> | null;
  readonly homekit: Pick<HomekitPart, 'bridges' | 'advertiser'> | null;
  readonly jobs: Pick<Jobs, 'list' | 'health' | 'figures'>;
  /** Null where nothing is announced. */
  readonly announcedPort: () => number | null;
  readonly http: () => HttpPart;
  readonly live: () => LivePart | undefined;
  readonly backups: () => BackupHealth | null;
}

export interface HealthPart {
  readonly health: Health;
  readonly watch: SystemWatch;
  readonly observer: HttpObserver;
}

/** Starts to watch over the hub. What is opened later is asked for when it is looked at. */
export function startHealthPart(config: HubConfig, watched: Watched): HealthPart {
  const { store, clock, log, opening, book } = watched;
  const partLog = log.child({ part: 'health' });
  const lag = opening.add('loop_watch', new LoopWatch());
  const sources = healthSources(config, watched, () => lag.lag);
  const health = opening.add(
    'health',
    new Health({ checks: hubChecks(sources), store, clock, log: partLog }),
  );
  const metrics = opening.add(
    'metrics',
    openMetrics(watched, health, () => lag.lag),
  );
  return {
    health,
    observer: metrics.http,
    watch: {
      health: async () => await health.report(),
      metrics: async () => ({ type: EXPOSITION_TYPE, text: await metrics.text() }),
      log: book,
    },
  };
}

function healthSources(config: HubConfig, watched: Watched, lag: HealthSources['lag']): HealthSources {
  const { store, clock, folder, nodeId, sync, mqtt, homekit, jobs } = watched;
  return {
    folder,
    store,
    clock,
    lag,
    lastSearchForDamage: () => {
      const damage = jobs.health().problems.find(({ kind }) => kind === 'database_damaged');
      if (damage) return { endedMs: damage.sinceMs, error: damage.message };
      const last = jobs.list().find(({ name }) => name === 'database-check')?.last;
      return last?.endedMs == null ? null : { endedMs: last.endedMs, error: null };
    },
    announced: () => {
      const port = watched.announcedPort();
      if (port === null) return null;
      const bridges =
        homekit?.advertiser == null ? [] : homekit.bridges.filter(({ problem }) => problem === null);
      return [
        { type: 'funkygibbon', id: nodeId, port },
        ...bridges.map(({ username, port: bridgePort }) => ({ type: 'hap', id: username, port: bridgePort })),
      ];
    },
    bridges: () =>
      homekit?.bridges.map(({ number, name, port, paired, accessories, problem }) => ({
        number,
        name,
        port,
        paired,
        accessories,
        problem,
      })) ?? null,
    broker: () => mqtt?.inspector.status() ?? null,
    clients: () => sync.devices(),
    jobs: () => jobs.health().problems,
    backups: watched.backups,
    certificates: () => {
      const { tls } = watched.http();
      const isOwn = config.http.tls?.files === null;
      return tls ? [{ name: 'http.tls', notAfterMs: tls.notAfterMs, isOwn }] : [];
    },
  };
}

function openMetrics(watched: Watched, health: Health, lag: HealthSources['lag']): Metrics {
  const { version, store, devices, readings, sync, mqtt, homekit, jobs, log } = watched;
  return new Metrics(
    {
      version,
      store,
      lag,
      devices: () => {
        const all = devices.list();
        return { total: all.length, unavailable: all.filter(({ available }) => !available).length };
      },
      webSockets: () => {
        const live = watched.live();
        return live ? { open: live.connections, ...live.counters } : null;
      },
      sync: () => ({ ...sync.counters, clients: sync.devices().length }),
      mqtt: () => {
        if (!mqtt) return null;
        const { connected, components } = mqtt.inspector.status();
        return { connected, components: components.total, ...mqtt.inspector.counters() };
      },
      homekit: () =>
        homekit?.bridges.map(({ accessories, pairings, paired, problem }) => ({
          accessories,
          controllers: pairings.length,
          paired,
          problem,
        })) ?? null,
      jobs: () => jobs.figures(),
      readings: () => readings.counters,
      health: async () => await health.report(),
    },
    log.child({ part: 'metrics' }),
  );
}

const logsArgs = z.object({
  level: z.enum(LOG_LEVELS).optional(),
  part: z.string().optional(),
  after: z.int().min(0).optional(),
  limit: z.int().min(1).max(2000),
});

/** What the command line asks about the hub itself; what takes its time is sent piece by piece, one JSON line each. */
export function healthTasks({ health, watch }: HealthPart): ControlTasks {
  const toLine = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
  return {
    health: async (_, { output }) => {
      const report = await health.examine(({ name }) => {
        // Whoever asked may have gone: then the answer finds nobody either.
        output(toLine({ name })).catch(() => undefined);
      });
      return healthJson(report);
    },
    logs: async (args, { output }) => {
      const { level, part, after, limit } = logsArgs.parse(args);
      for (const entry of watch.log.find({ level, part, afterSeq: after, limit }))
        await output(toLine(entry));
      return { last: watch.log.lastSeq };
    },
  };
}
