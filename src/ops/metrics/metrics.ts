import { statSync } from 'node:fs';

import type { Logger } from '../../base/log.ts';
import type { LoopLag } from '../../base/loop-watch.ts';
import type { Store } from '../../base/store.ts';
import type { HealthReport } from '../health/types.ts';
import type { Family, Sample } from './exposition.ts';

import { expose } from './exposition.ts';
import { HttpMetrics } from './http-metrics.ts';
import { counter, gauge, ProcessMetrics } from './process-metrics.ts';

/** Where the numbers are read when somebody asks. What is off answers null. */
export interface MetricSources {
  readonly version: string;
  readonly store: Pick<Store, 'counters' | 'fault' | 'file'>;
  readonly lag: () => LoopLag;
  readonly devices: () => { readonly total: number; readonly unavailable: number };
  readonly webSockets: () => {
    readonly open: number;
    readonly received: number;
    readonly sent: number;
    /** Times that a client read too slowly, and was told to sync instead. */
    readonly slowed: number;
    readonly cutOff: number;
  } | null;
  readonly sync: () => {
    readonly exchanges: number;
    readonly failed: number;
    readonly conflicts: number;
    readonly ms: number;
    readonly clients: number;
  };
  readonly mqtt: () => {
    readonly connected: boolean;
    readonly received: number;
    readonly failed: number;
    readonly components: number;
  } | null;
  readonly homekit: () => readonly HomekitBridge[] | null;
  readonly jobs: () => readonly JobNumbers[];
  readonly readings: () => { readonly written: number; readonly waiting: number };
  readonly health: () => Promise<HealthReport>;
}

/** A bridge to Apple Home, as far as its numbers go. */
export interface HomekitBridge {
  readonly accessories: number;
  readonly controllers: number;
  readonly paired: boolean;
  readonly problem: string | null;
}

/** What a kind of job came to since the hub was started. */
export interface JobNumbers {
  readonly name: string;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  readonly busySeconds: number;
  readonly running: boolean;
  readonly queued: number;
  /** ms since the Unix epoch; null: never. */
  readonly lastDoneMs: number | null;
}

const HEALTH_VALUE = { off: -1, ok: 0, warn: 1, fail: 2 } as const;

/**
 * The metrics of the hub, in the text format of Prometheus. Requests are counted as they come; everything else is read
 * from the parts when somebody asks. It has no library: prom-client costs 13 MB and 0.3 s at each start (measured), and
 * the format is lines of text.
 */
export class Metrics implements Disposable {
  readonly http = new HttpMetrics();
  readonly #sources: MetricSources;
  readonly #process: ProcessMetrics;
  readonly #log: Logger;

  constructor(sources: MetricSources, log: Logger) {
    this.#sources = sources;
    this.#process = new ProcessMetrics(sources.lag);
    this.#log = log;
  }

  /** All of them, now. A part that cannot be read is left out, and counted. */
  async text(): Promise<string> {
    const sources = this.#sources;
    const health = await sources.health();
    const families: Family[] = [];
    let unread = 0;
    const parts: (() => Family[])[] = [
      () => this.http.families(),
      () => this.#process.families(),
      () => databaseFamilies(sources.store),
      () => homeFamilies(sources),
      () => webSocketFamilies(sources.webSockets()),
      () => syncFamilies(sources.sync()),
      () => mqttFamilies(sources.mqtt()),
      () => homekitFamilies(sources.homekit()),
      () => jobFamilies(sources.jobs()),
      () => healthFamilies(health),
    ];
    for (const part of parts) {
      try {
        families.push(...part());
      } catch (error) {
        unread += 1;
        this.#log.warn({ err: error }, 'the metrics of a part could not be read');
      }
    }
    families.push(
      gauge('funkygibbon_scrape_unread_parts', 'Parts of the hub that told no metrics this time.', unread),
    );
    return expose(families);
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
  }
}

function databaseFamilies({ counters, fault, file }: MetricSources['store']): Family[] {
  const { commits, refused, syncs, syncMs } = counters;
  const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return [
    counter('funkygibbon_sqlite_commits_total', 'Transactions that were committed.', commits),
    counter(
      'funkygibbon_sqlite_refused_total',
      'Transactions that the database or the disk refused.',
      refused,
    ),
    counter('funkygibbon_sqlite_fsyncs_total', 'Syncs of the log to the disk.', syncs),
    counter('funkygibbon_sqlite_fsync_seconds_total', 'How long they took.', syncMs / 1000),
    gauge('funkygibbon_sqlite_fault', '1 while the disk is not trusted.', fault === null ? 0 : 1),
    gauge('funkygibbon_sqlite_database_bytes', 'Size of the database file.', bytesOf(file)),
    gauge('funkygibbon_sqlite_wal_bytes', 'Size of its log.', bytesOf(`${file}-wal`)),
  ];
}

function homeFamilies({ version, devices, readings }: MetricSources): Family[] {
  const { total, unavailable } = devices();
  const { written, waiting } = readings();
  return [
    labelled('funkygibbon_build_info', 'Always 1; the version is a label.', 'gauge', [
      { labels: { version }, value: 1 },
    ]),
    gauge('funkygibbon_devices', 'Devices of the home.', total),
    gauge('funkygibbon_devices_unavailable', 'Those of them that cannot be reached.', unavailable),
    counter('funkygibbon_readings_written_total', 'Readings that were written to the history.', written),
    gauge('funkygibbon_readings_waiting', 'Readings that wait in memory to be written.', waiting),
  ];
}

function webSocketFamilies(live: ReturnType<MetricSources['webSockets']>): Family[] {
  if (live === null) return [];
  const { open, received, sent, slowed, cutOff } = live;
  return [
    gauge('funkygibbon_websocket_connections', 'WebSockets that are open.', open),
    labelled('funkygibbon_websocket_messages_total', 'Messages over WebSockets.', 'counter', [
      { labels: { direction: 'in' }, value: received },
      { labels: { direction: 'out' }, value: sent },
    ]),
    counter(
      'funkygibbon_websocket_slowed_total',
      'Times that a client read too slowly and was told to sync.',
      slowed,
    ),
    counter('funkygibbon_websocket_cut_off_total', 'Connections that were cut off.', cutOff),
  ];
}

function syncFamilies({
  exchanges,
  failed,
  conflicts,
  ms,
  clients,
}: ReturnType<MetricSources['sync']>): Family[] {
  return [
    labelled('funkygibbon_sync_exchanges_total', 'Syncs of clients.', 'counter', [
      { labels: { outcome: 'done' }, value: exchanges - failed },
      { labels: { outcome: 'failed' }, value: failed },
    ]),
    counter('funkygibbon_sync_seconds_total', 'How long they took.', ms / 1000),
    counter('funkygibbon_sync_conflicts_total', 'Changes that met another of the same thing.', conflicts),
    gauge('funkygibbon_sync_clients', 'Clients that are remembered.', clients),
  ];
}

function mqttFamilies(mqtt: ReturnType<MetricSources['mqtt']>): Family[] {
  if (mqtt === null) return [];
  const { connected, received, failed, components } = mqtt;
  return [
    gauge('funkygibbon_mqtt_connected', '1 while the broker can be reached.', connected ? 1 : 0),
    counter('funkygibbon_mqtt_messages_received_total', 'Messages that reached the hub.', received),
    counter('funkygibbon_mqtt_messages_failed_total', 'Messages that could not be handled.', failed),
    gauge('funkygibbon_mqtt_components', 'Things that were discovered.', components),
  ];
}

function homekitFamilies(bridges: ReturnType<MetricSources['homekit']>): Family[] {
  if (bridges === null) return [];
  const sum = (of: (bridge: HomekitBridge) => number): number =>
    bridges.reduce((total, bridge) => total + of(bridge), 0);
  return [
    gauge('funkygibbon_homekit_bridges', 'Bridges to Apple Home.', bridges.length),
    gauge(
      'funkygibbon_homekit_bridges_down',
      'Those of them that do not run.',
      sum(({ problem }) => (problem === null ? 0 : 1)),
    ),
    gauge(
      'funkygibbon_homekit_bridges_paired',
      'Those of them that are paired.',
      sum(({ paired }) => (paired ? 1 : 0)),
    ),
    gauge(
      'funkygibbon_homekit_accessories',
      'Accessories that are shown.',
      sum(({ accessories }) => accessories),
    ),
    gauge(
      'funkygibbon_homekit_controllers',
      'Controllers that are paired.',
      sum(({ controllers }) => controllers),
    ),
  ];
}

function jobFamilies(jobs: readonly JobNumbers[]): Family[] {
  const of = (value: (job: JobNumbers) => number): Sample[] =>
    jobs.map((job) => ({ labels: { job: job.name }, value: value(job) }));
  return [
    labelled(
      'funkygibbon_job_runs_total',
      'Runs of jobs that are over, and tries that were repeated.',
      'counter',
      jobs.flatMap(({ name, done, failed, cancelled, retried }) =>
        Object.entries({ done, failed, cancelled, retried }).map(([outcome, value]) => ({
          labels: { job: name, outcome },
          value,
        })),
      ),
    ),
    labelled(
      'funkygibbon_job_seconds_total',
      'How long all tries took.',
      'counter',
      of(({ busySeconds }) => busySeconds),
    ),
    labelled(
      'funkygibbon_job_running',
      '1 while it runs.',
      'gauge',
      of(({ running }) => (running ? 1 : 0)),
    ),
    labelled(
      'funkygibbon_job_queued',
      'Runs that wait.',
      'gauge',
      of(({ queued }) => queued),
    ),
    labelled(
      'funkygibbon_job_last_success_timestamp_seconds',
      'When a run last succeeded, since the Unix epoch.',
      'gauge',
      jobs.flatMap(({ name, lastDoneMs }) =>
        lastDoneMs === null ? [] : [{ labels: { job: name }, value: lastDoneMs / 1000 }],
      ),
    ),
  ];
}

function healthFamilies({ status, checks }: HealthReport): Family[] {
  return [
    gauge(
      'funkygibbon_health',
      '0: all is well, 1: something does not work, 2: nothing can be relied on.',
      {
        ok: 0,
        degraded: 1,
        failing: 2,
      }[status],
    ),
    labelled(
      'funkygibbon_health_check',
      '-1: switched off, 0: well, 1: a warning, 2: it fails.',
      'gauge',
      checks.map((check) => ({ labels: { check: check.name }, value: HEALTH_VALUE[check.status] })),
    ),
  ];
}

function labelled(name: string, help: string, type: Family['type'], samples: readonly Sample[]): Family {
  return { name, help, type, samples };
}
