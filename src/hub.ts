import type { Permission, Principal } from './access/types.ts';
import type { Clock } from './base/clock.ts';
import type { Logger } from './base/log.ts';
import type { HubStatus, PairingInfo } from './cli/types.ts';
import type { HubConfig, HubSecrets } from './config/config.ts';
import type { HttpPart } from './http/types.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { LivePart } from './live/types.ts';

import { Access } from './access/access.ts';
import { systemClock } from './base/clock.ts';
import { DataDir } from './base/data-dir.ts';
import { newId } from './base/ids.ts';
import { keepValue } from './base/kept-values.ts';
import { LogBook } from './base/log-book.ts';
import { OpenParts } from './base/open-parts.ts';
import { readHubVersion } from './base/version.ts';
import { ClientRecords } from './clients/clients.ts';
import { CONTROL_SOCKET, PAIR_PHONE, pairPhone, startControl, urlForOthers } from './cli/cli.ts';
import { Devices } from './devices/devices.ts';
import { Graph } from './graph/graph.ts';
import { startHttp } from './http/http.ts';
import { startLive } from './live/live.ts';
import { startMdns, type MdnsPart, type MdnsTxt } from './mdns/mdns.ts';
import { Diagnosis } from './hub/diagnosis.ts';
import { diagnosisTasks } from './hub/diagnosis-tasks.ts';
import { HomekitDesk, homekitPairing, homekitStatus } from './hub/homekit-desk.ts';
import { homekitTasks } from './hub/homekit-tasks.ts';
import { activityCleanup, startActivityPart } from './hub/activity-part.ts';
import { startInsightsPart } from './hub/insights-part.ts';
import { startBackupPart } from './hub/backup-part.ts';
import { backupTasks } from './hub/backup-tasks.ts';
import { suggestionsJob } from './hub/habits-part.ts';
import { reportJobs, startReportsPart } from './hub/reports-part.ts';
import { reportTasks } from './hub/report-tasks.ts';
import { startHomekitPart, startMqttPart } from './hub/optional-parts.ts';
import { startAccessoriesPart, type AccessoryOverrides } from './hub/accessories-part.ts';
import { accessoryTasks } from './hub/accessory-tasks.ts';
import { energyTasks } from './hub/energy-tasks.ts';
import { suggestionTasks } from './hub/suggestion-tasks.ts';
import { startAutomationsPart } from './hub/automations-part.ts';
import { automationTasks } from './hub/automation-tasks.ts';
import { CommandSinks } from './hub/command-sinks.ts';
import { healthTasks, startHealthPart } from './hub/health-part.ts';
import { jobTasks } from './hub/job-tasks.ts';
import { startJobsPart } from './hub/jobs-part.ts';
import { openStore } from './hub/open-store.ts';
import { userTasks } from './hub/user-tasks.ts';
import { openHomeSecrets } from './hub/secrets.ts';
import { homeTasks, LocalHome } from './ops/ops.ts';
import { Readings } from './readings/readings.ts';
import { Sync } from './sync/sync.ts';

export { runBackupOrder } from './hub/backup-run.ts';

export { doctorConfig } from './hub/doctor-config.ts';
export { openHome } from './hub/open-home.ts';

/** What the `ready` line tells whoever started the hub; the ports are the real ones and no secret is among it. */
export interface ReadyInfo {
  readonly http_url: string;
  /** Only where TLS is on. */
  readonly https_url?: string;
  readonly mqtt_url: string | null;
  readonly homekit: { readonly port: number; readonly paired: boolean } | null;
  readonly data_dir: string;
  readonly node_id: string;
}

export interface Hub extends AsyncDisposable {
  readonly ready: ReadyInfo;
  /** Names of the parts that are open, in the order in which they were opened; empty once the hub has stopped. */
  readonly openParts: readonly string[];
  /** Codes and credentials for the person at the terminal. */
  pairing(): PairingInfo;
  /** Whether the event loop and the database answer; what a watchdog is fed by. */
  isAlive(): Promise<boolean>;
}

/** What a test replaces. */
export interface HubOverrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** In place of the hub's own log; before `log`. */
  readonly book?: LogBook;
  /** Keeps HomeKit on the loopback interface and unannounced. */
  readonly loopbackOnly?: boolean;
  readonly accessories?: AccessoryOverrides;
}

/**
 * Opens every part of the hub, from the ground up, and joins them. Whatever was opened is closed again, in reverse
 * order, when a later part fails or the hub is disposed.
 * @throws StartError naming the part that failed and what to do.
 */
export async function startHub(
  config: HubConfig,
  secrets: HubSecrets,
  overrides: HubOverrides = {},
): Promise<Hub> {
  const startedAtMs = performance.now();
  const clock = overrides.clock ?? systemClock;
  const version = readHubVersion();
  const parts = new OpenParts();
  await using opening = parts;
  const book = opening.add('log', overrides.book ?? new LogBook(config.logging));
  const log = overrides.book ? book.logger : (overrides.log ?? book.logger);

  const dataDir = opening.add('data_dir', DataDir.open(config.dataDir, log));
  const store = opening.add('database', await openStore(dataDir, clock, log));
  await openHomeSecrets(config, secrets, { store, dataDir, log });
  const nodeId = keepValue(store, 'node_id', newId);
  const graph = opening.add('graph', new Graph({ store, clock, log: log.child({ part: 'graph' }) }));
  const access = opening.add(
    'access',
    await Access.start({
      store,
      clock,
      log: log.child({ part: 'access' }),
      jwtSecret: secrets.jwtSecret,
      adminPassword: secrets.adminPassword,
    }),
  );
  const devices = opening.add(
    'devices',
    Devices.start({ store, graph, clock, log: log.child({ part: 'devices' }) }),
  );
  const readings = opening.add(
    'readings',
    Readings.start({ store, source: devices, clock, log: log.child({ part: 'readings' }) }),
  );
  const allows = (principal: Principal, permission: Permission): boolean =>
    access.allows(principal, permission);
  let live: LivePart | undefined;
  let mdns: MdnsPart | undefined;
  const sync = opening.add(
    'sync',
    new Sync({
      store,
      graph,
      clock,
      log: log.child({ part: 'sync' }),
      allows,
      isAccount: (userId) => access.users.has(userId),
      live: {
        isOnline: (deviceId) => live?.isOnline(deviceId) ?? false,
        requestSync: (deviceId, direction) => live?.requestSync(deviceId, direction) ?? 0,
      },
    }),
  );

  const sinks = new CommandSinks();
  devices.connect(sinks);
  const shared = { store, graph, devices, sinks, clock, log, opening };
  const activity = startActivityPart(config, shared);
  const mqtt = await startMqttPart(config, secrets, dataDir, shared);
  const homekit = await startHomekitPart(config, secrets, version, overrides, shared);
  const accessories = await startAccessoriesPart(config, overrides, homekit, shared);
  const automations = startAutomationsPart(config, { ...shared, access });
  const insights = startInsightsPart(config, { ...shared, readings, activity });
  const told = { ...shared, insights, activity, automations, sync, jobs: (): Jobs => jobs };
  const reports = startReportsPart(config, secrets, told);
  const backup = await startBackupPart(config, secrets, dataDir, { ...told, audit: access.audit });
  const nightly = [
    ...backup.definitions,
    activityCleanup(activity),
    suggestionsJob(insights.suggestions),
    ...reportJobs(reports),
  ];
  const jobs = startJobsPart(config, { ...shared, access, readings }, nightly);
  await reports.deliveries.connect(jobs);
  const diagnosis = new Diagnosis({ devices, mqtt: mqtt?.part.inspector ?? null, homekit, accessories });
  const homekitDesk = new HomekitDesk(homekit);
  const isAnnounced = config.mdns.enabled && overrides.loopbackOnly !== true;
  const watching = startHealthPart(config, {
    ...shared,
    version,
    nodeId,
    folder: dataDir.path,
    book,
    readings,
    sync,
    homekit,
    jobs,
    mqtt: mqtt?.part ?? null,
    announcedPort: () => (isAnnounced ? announcedPort() : null),
    http: () => http,
    live: () => live,
    backups: backup.health,
  });
  const http: HttpPart = opening.add(
    'http',
    await startHttp({
      ...config.http,
      version,
      access,
      graph,
      devices,
      sync,
      readings,
      activity,
      insights,
      reports,
      diagnosis,
      homekit: homekitDesk,
      mqttUsers: mqtt?.part.users ?? null,
      accessories,
      automations,
      backups: backup.backups,
      jobs,
      watch: watching.watch,
      observer: watching.observer,
      metricsPublic: config.metrics.isPublic,
      clients: new ClientRecords({ store, clock }),
      keyFolder: dataDir.path,
      secrets: store.secrets,
      onCertificateChange: () => mdns?.update(announcement()),
      urlForOthers: () => (http.isLocalOnly ? tlsUrl() : null) ?? plainUrl(),
      tlsUrlForOthers: () => tlsUrl(),
      tlsFingerprint: () => http.tls?.fingerprint ?? null,
      notReady: () => watching.health.notReady(),
      upgrade: (request, socket, head) => {
        if (live) live.handleUpgrade(request, socket, head);
        else socket.destroy();
      },
      clock,
      log: log.child({ part: 'http' }),
    }),
  );
  // After http on the stack, so closed before it: a server never finishes closing while a WebSocket is open.
  live = opening.add(
    'live',
    startLive({
      graph,
      devices,
      cursor: sync,
      verify: async (token) => await access.verify(token),
      allows,
      authorizeCommand: (actor, order) => access.authorizeCommand(actor, order),
      allowedOrigins: config.http.corsOrigins,
      clock,
      log: log.child({ part: 'live' }),
    }),
  );
  access.followSessionEnds((sessionId) => live?.closeSession(sessionId));
  access.users.follow((userId) => live?.verifyUser(userId));
  const plainUrl = (): string => urlForOthers(http.url, config.http.host);
  const tlsUrl = (): string | null =>
    http.tls && config.http.tls && urlForOthers(http.tls.url, config.http.tls.host);
  const announcedPort = (): number => (http.isLocalOnly && http.tls ? http.tls.port : http.port);
  const announcement = (): MdnsTxt => ({
    txtvers: '1',
    id: nodeId,
    ver: version,
    api: '/api',
    proto: Sync.protocols.join(','),
    ...(http.tls && { tls: String(http.tls.port), fp: http.tls.fingerprint }),
  });
  if (config.mdns.enabled) {
    mdns = opening.add(
      'mdns',
      startMdns({
        name: config.home.name,
        port: announcedPort(),
        txt: announcement(),
        log: log.child({ part: 'mdns' }),
      }),
    );
  }

  const pairing = (): PairingInfo => ({
    httpUrl: plainUrl(),
    tls: http.tls && { url: tlsUrl() ?? http.tls.url, fingerprint: http.tls.fingerprint },
    homekit: homekit && homekitPairing(homekit),
    mqtt:
      mqtt && config.mqtt.mode === 'embedded'
        ? {
            url: urlForOthers(mqtt.part.url, config.mqtt.host),
            tlsUrl: mqtt.part.tlsUrl && urlForOthers(mqtt.part.tlsUrl, config.mqtt.host),
            ...mqtt.login,
          }
        : null,
    setupCode: access.setupCode,
  });
  const status = (): HubStatus => ({
    version,
    node_id: nodeId,
    uptime_s: (performance.now() - startedAtMs) / 1000,
    http_url: http.url,
    mqtt_url: mqtt?.part.url ?? null,
    homekit: homekit && homekitStatus(homekit),
    entities: graph.countSince(0, false),
    devices: devices.list().length,
    storage_fault: store.fault,
  });
  opening.add(
    'control',
    await startControl({
      path: dataDir.file(CONTROL_SOCKET),
      handlers: {
        pair: pairing,
        status,
        [PAIR_PHONE]: pairPhone({
          access,
          hub: () => ({ url: tlsUrl() ?? plainUrl(), fingerprint: http.tls?.fingerprint ?? null }),
        }),
      },
      tasks: {
        ...homeTasks(new LocalHome({ graph, clock, hubVersion: version })),
        ...diagnosisTasks(diagnosis, mqtt?.part.users ?? null, access.audit),
        ...accessoryTasks(accessories, access.audit),
        ...jobTasks(jobs, access.audit),
        ...backupTasks(backup, access.audit),
        ...healthTasks(watching),
        ...energyTasks(insights),
        ...suggestionTasks(insights, automations),
        ...automationTasks(automations),
        ...reportTasks(reports, access.audit),
        ...homekitTasks(homekitDesk, diagnosis, access.audit),
        ...userTasks(access),
      },
      log: log.child({ part: 'control' }),
    }),
  );
  // Identities and secrets that were made just now must not be told and then lost.
  await store.durable();

  const running = parts.move();
  return {
    ready: {
      http_url: http.url,
      ...(http.tls && { https_url: http.tls.url }),
      mqtt_url: mqtt?.part.url ?? null,
      homekit: homekit && { port: homekit.port, paired: homekit.paired },
      data_dir: dataDir.path,
      node_id: nodeId,
    },
    get openParts() {
      return running.open;
    },
    pairing,
    isAlive: async () => await watching.health.alive(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
    },
  };
}
