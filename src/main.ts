import { fstatSync } from 'node:fs';
import { join } from 'node:path';

import type { Hub } from './hub.ts';
import type { ServiceManager } from './ops/ops.ts';
import type { Home } from './ops/types.ts';

import { errorText, HubError, StartError } from './base/errors.ts';
import { readHubVersion } from './base/version.ts';
import {
  askForTask,
  completionFor,
  CONTROL_SOCKET,
  isHubThere,
  readAccessoryOrder,
  readAskOrder,
  readBackupOrder,
  readAutomationOrder,
  readDeviceOrder,
  readEnergyOrder,
  readReportOrder,
  readSuggestionOrder,
  readHomekitOrder,
  readJobOrder,
  readTransferOrder,
  readUserOrder,
  readText,
  runAccessoryCommand,
  runAskingCommand,
  runAutomationCommand,
  runDeviceCommand,
  runEnergyCommand,
  runReportCommand,
  runProgram,
  runSuggestionCommand,
  runUserCommand,
  runHomekitCommand,
  runJobCommand,
  startProgress,
  welcomeText,
  type BackupOrder,
  type TransferOrder,
} from './cli/cli.ts';
import { configAnswer, ConfigError, loadConfig, type LoadedConfig } from './config/config.ts';

/** sysexits.h: EX_CONFIG. systemd is told not to restart on it. */
const EXIT_BAD_CONFIGURATION = 78;
const EXIT_FAILED = 1;
const STOP_WITHIN_MS = 10_000;

const [command = 'start', ...flags] = withCommand(process.argv.slice(2));
// Files that the hub or its libraries make (keys among them) are for its own user alone.
process.umask(0o077);
process.exitCode = await run(command, flags);
// Nothing should keep the process now; should something after all, systemd must not wait for ever.
setTimeout(() => {
  process.stderr.write(
    `The process did not end by itself. Still open: ${process.getActiveResourcesInfo().join(', ')}.\n`,
  );
  process.exit();
}, STOP_WITHIN_MS).unref();

async function run(name: string, argv: readonly string[]): Promise<number> {
  try {
    if (name === 'start' && !argv.some((word) => word === '--help' || word === '-h')) {
      return await runHub(load(argv));
    }
    let code = 0;
    await runProgram({
      words: [name, ...argv],
      run: async (found, words) => {
        code = await carryOut(found, words);
      },
      stdout: (text) => process.stdout.write(text),
    });
    return code;
  } catch (error) {
    return explain(error);
  }
}

/** Carries out what is not the hub itself, and returns the exit code. */
async function carryOut(name: string, argv: readonly string[]): Promise<number> {
  switch (name) {
    case 'pair':
    case 'status':
      return await tell(readAskOrder(name, argv), runAskingCommand);
    case 'devices':
    case 'mqtt':
      return await tell(readDeviceOrder(name, argv), runDeviceCommand);
    case 'accessories':
      return await tell(readAccessoryOrder(argv), runAccessoryCommand);
    case 'energy':
      return await tell(readEnergyOrder(argv), runEnergyCommand);
    case 'suggestions':
      return await tell(readSuggestionOrder(argv), runSuggestionCommand);
    case 'automations':
      return await tell(
        readAutomationOrder(argv),
        async (...how) => await runAutomationCommand(...how, readText),
      );
    case 'reports':
      return await tell(readReportOrder(argv), runReportCommand);
    case 'homekit':
      return await tell(readHomekitOrder(argv), runHomekitCommand);
    case 'jobs':
      return await tell(readJobOrder(argv), runJobCommand);
    case 'users':
      return await tell(
        readUserOrder(argv, Date.now()),
        async (...how) => await runUserCommand(...how, process),
      );
    case 'doctor':
      return await runDoctor(argv);
    case 'logs':
      return await runLogs(argv);
    case 'config':
      process.stdout.write(`${configAnswer(argv, load)}\n`);
      return 0;
    case 'backup':
      return await runBackup(readBackupOrder(argv));
    case 'restore':
      return await runBackup(readBackupOrder(['restore', ...argv]));
    case 'export':
    case 'import':
    case 'seed':
      return await runTransfer(readTransferOrder(name, argv));
    case 'completion':
      process.stdout.write(await completionFor(argv[0] ?? ''));
      return 0;
    case 'version':
      process.stdout.write(`${readHubVersion()}\n`);
      return 0;
    default:
      // Only an installed hub has releases; scripts/funkygibbon sees to it before this program is started.
      throw new HubError(
        'invalid',
        `This copy was not installed as a service, so there is no ${name}. See scripts/install.sh.`,
      );
  }
}

/** Asks the running hub and prints what it answered. */
async function tell<Order extends { readonly configFlags: readonly string[] }>(
  order: Order,
  ask: (
    order: Order,
    dataDir: string,
    signal: AbortSignal,
  ) => Promise<string | { readonly text: string; readonly ok: boolean }>,
): Promise<number> {
  const signal = stopOnSignal();
  const reply = await ask(order, load(order.configFlags).config.dataDir, signal);
  const { text, ok } = typeof reply === 'string' ? { text: reply, ok: true } : reply;
  process.stdout.write(`${text.trimEnd()}\n`);
  return ok ? 0 : EXIT_FAILED;
}

async function runHub({ config, secrets }: LoadedConfig): Promise<number> {
  const stop = stopSignal();
  // "Local" in a device's template means the home's time zone, wherever the machine thinks it is.
  process.env['TZ'] = config.home.timezone;
  const { startHub } = await import('./hub.ts');
  const hub = await startHub(config, secrets);
  process.stdout.write(`ready ${JSON.stringify(hub.ready)}\n`);
  using service = await serviceManager(config);
  await service?.ready(`Open at ${hub.ready.http_url}`);
  service?.watch(async () => await hub.isAlive());
  if (process.stderr.isTTY) process.stderr.write(`\n${welcomeText(hub.pairing())}\n\n`);
  await stop;
  await service?.stopping();
  return await stopWithin(hub, STOP_WITHIN_MS);
}

/** Who started the hub and waits to be told how it is; null on a terminal. */
async function serviceManager(config: LoadedConfig['config']): Promise<ServiceManager | null> {
  if (!process.env['NOTIFY_SOCKET']) return null;
  const [ops, { createLogger }] = await Promise.all([import('./ops/ops.ts'), import('./base/log.ts')]);
  const log = createLogger(config.logging).child({ part: 'service' });
  return ops.ServiceManager.fromEnvironment({ env: process.env, log });
}

/** Looks at the hub and the machine around it; a configuration that is bad is what it looks for. */
async function runDoctor(argv: readonly string[]): Promise<number> {
  const [ops, { doctorConfig }] = await Promise.all([import('./ops/ops.ts'), import('./hub.ts')]);
  const order = ops.readDoctorOrder(argv);
  let config: ReturnType<typeof doctorConfig> | null = null;
  let configProblem: string | null = null;
  try {
    config = doctorConfig(load(order.configFlags));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    configProblem = errorText(error);
  }
  const socket = config && join(config.dataDir, CONTROL_SOCKET);
  const signal = stopOnSignal();
  const askHub =
    socket !== null && (await isHubThere(socket))
      ? async (output: (piece: Uint8Array) => Promise<void>): Promise<unknown> =>
          await askForTask(socket, 'health', {}, { output, signal })
      : null;
  using progress = startProgress(process.stderr);
  const visit = { config, configProblem, askHub, progress: (text: string): void => progress.show(text) };
  const { text, ok } = await ops.runDoctor(order, visit);
  progress[Symbol.dispose]();
  process.stdout.write(`${text}\n`);
  return ok ? 0 : EXIT_FAILED;
}

async function runLogs(argv: readonly string[]): Promise<number> {
  const ops = await import('./ops/ops.ts');
  const order = ops.readLogsOrder(argv);
  const socket = join(load(order.configFlags).config.dataDir, CONTROL_SOCKET);
  const signal = stopOnSignal();
  const write = async (text: string): Promise<void> => await ops.writeAll(process.stdout, text);
  await ops.runLogs(
    order,
    async (args, output) => await askForTask(socket, 'logs', args, { output }),
    write,
    signal,
  );
  return 0;
}

/** Makes, lists, checks or restores backups; see `backup-run.ts`. */
async function runBackup(order: BackupOrder): Promise<number> {
  const loaded = load(order.configFlags);
  const signal = stopOnSignal();
  const { runBackupOrder } = await import('./hub.ts');
  using progress = startProgress(process.stderr);
  const text = await runBackupOrder(order, loaded, {
    stdin: process.stdin,
    stderr: process.stderr,
    progress: (line) => progress.show(line),
    signal,
    cwd: process.cwd(),
  });
  process.stdout.write(`${text}\n`);
  return 0;
}

/** Exports, imports or seeds: with the running hub, or on the data folder itself where none runs. */
async function runTransfer(order: TransferOrder): Promise<number> {
  const { config } = load(order.configFlags);
  const signal = stopOnSignal();
  // A reader that has gone is told by the write that fails.
  process.stdout.on('error', () => undefined);
  const ops = await import('./ops/ops.ts');
  await using reached = await reachHome(config, order.command !== 'export');
  using progress = startProgress(process.stderr);
  const io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    scratchFolder: config.dataDir,
    progress: (text: string): void => progress.show(text),
    signal,
  };
  if (order.command === 'export') await ops.runExport(reached.home, order, io);
  else if (order.command === 'import') await ops.runImport(reached.home, order, io);
  else await ops.runSeed(reached.home, order, io);
  return 0;
}

/** Aborted when the person, or the system, wants the command to end. */
function stopOnSignal(): AbortSignal {
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stopped.abort(new HubError('unavailable', 'Stopped as asked.')));
  }
  return stopped.signal;
}

async function reachHome(
  config: LoadedConfig['config'],
  create: boolean,
): Promise<{ home: Home } & AsyncDisposable> {
  const socket = join(config.dataDir, CONTROL_SOCKET);
  if (!(await isHubThere(socket))) {
    const { openHome } = await import('./hub.ts');
    return await openHome(config, { create });
  }
  const { remoteHome } = await import('./ops/ops.ts');
  const home = remoteHome(async (command, args, streams) => await askForTask(socket, command, args, streams));
  return { home, [Symbol.asyncDispose]: async () => undefined };
}

/** Resolves at the first SIGTERM or SIGINT; further ones change nothing. */
async function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  await promise;
}

/** Stops the hub; past the deadline the process ends without what is still open, naming it. */
async function stopWithin(hub: Hub, deadlineMs: number): Promise<number> {
  const timer = setTimeout(() => {
    const open = [...hub.openParts, ...process.getActiveResourcesInfo()];
    process.stderr.write(`The hub did not stop in time. Still open: ${open.join(', ')}.\n`);
    process.exit(EXIT_FAILED);
  }, deadlineMs);
  await hub[Symbol.asyncDispose]();
  // Kept, but no reason to stay: it fires only where something that was left behind keeps the process alive.
  timer.unref();
  return 0;
}

function load(argv: readonly string[]): LoadedConfig {
  return loadConfig({
    argv,
    env: process.env,
    cwd: process.cwd(),
    stderrIsTty: process.stderr.isTTY,
    stderrId: stderrId(),
  });
}

function stderrId(): string {
  const { dev, ino } = fstatSync(2);
  return `${dev}:${ino}`;
}

/** Prints what went wrong for a person and returns the exit code. */
function explain(error: unknown): number {
  const known = error instanceof ConfigError || error instanceof StartError || error instanceof HubError;
  const text = known
    ? errorText(error)
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  process.stderr.write(`${text}\n`);
  const badConfiguration =
    error instanceof ConfigError || (error instanceof StartError && error.badConfiguration);
  return badConfiguration ? EXIT_BAD_CONFIGURATION : EXIT_FAILED;
}

/** `funkygibbon --http.port 0` means `funkygibbon start --http.port 0`; `--help` and `--version` are commands too. */
function withCommand(words: readonly string[]): readonly string[] {
  const [first] = words;
  if (first === '--help' || first === '-h') return ['help'];
  if (first === '--version' || first === '-v') return ['version'];
  return first === undefined || first.startsWith('-') ? ['start', ...words] : words;
}
