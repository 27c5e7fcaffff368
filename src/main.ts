import { fstatSync } from 'node:fs';
import { join } from 'node:path';

import type { Hub } from './hub.ts';
import type { Home } from './ops/types.ts';

import { errorText, HubError, StartError } from './base/errors.ts';
import { readHubVersion } from './base/version.ts';
import {
  askForTask,
  ASKING_COMMANDS,
  CONTROL_SOCKET,
  isHubThere,
  isTransferCommand,
  readAccessoryOrder,
  readAskOrder,
  readDeviceOrder,
  readEnergyOrder,
  readSuggestionOrder,
  readHomekitOrder,
  readJobOrder,
  readTransferOrder,
  runAccessoryCommand,
  runAskingCommand,
  runDeviceCommand,
  runEnergyCommand,
  runSuggestionCommand,
  runHomekitCommand,
  runJobCommand,
  startProgress,
  USAGE,
  welcomeText,
  type AskingCommand,
  type TransferOrder,
} from './cli/cli.ts';
import { ConfigError, loadConfig, type LoadedConfig } from './config/config.ts';

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
    if (name === 'start') return await runHub(load(argv));
    if (isAskingCommand(name)) {
      const order = readAskOrder(name, argv);
      const { config } = load(order.configFlags);
      process.stdout.write(`${(await runAskingCommand(order, config.dataDir)).trimEnd()}\n`);
      return 0;
    }
    if (name === 'devices' || name === 'mqtt') {
      const order = readDeviceOrder(name, argv);
      const stopped = stopOnSignal();
      const text = await runDeviceCommand(order, load(order.configFlags).config.dataDir, stopped);
      process.stdout.write(`${text}\n`);
      return 0;
    }
    if (name === 'accessories') {
      const order = readAccessoryOrder(argv);
      const stopped = stopOnSignal();
      const text = await runAccessoryCommand(order, load(order.configFlags).config.dataDir, stopped);
      process.stdout.write(`${text}\n`);
      return 0;
    }
    if (name === 'energy') {
      const order = readEnergyOrder(argv);
      const stopped = stopOnSignal();
      const text = await runEnergyCommand(order, load(order.configFlags).config.dataDir, stopped);
      process.stdout.write(`${text}\n`);
      return 0;
    }
    if (name === 'suggestions') {
      const order = readSuggestionOrder(argv);
      const stopped = stopOnSignal();
      const text = await runSuggestionCommand(order, load(order.configFlags).config.dataDir, stopped);
      process.stdout.write(`${text}\n`);
      return 0;
    }
    if (name === 'homekit') {
      const order = readHomekitOrder(argv);
      const { dataDir } = load(order.configFlags).config;
      const { text, ok } = await runHomekitCommand(order, dataDir, stopOnSignal());
      process.stdout.write(`${text}\n`);
      return ok ? 0 : EXIT_FAILED;
    }
    if (name === 'jobs') {
      const order = readJobOrder(argv);
      const stopped = stopOnSignal();
      const { text, ok } = await runJobCommand(order, load(order.configFlags).config.dataDir, stopped);
      process.stdout.write(`${text}\n`);
      return ok ? 0 : EXIT_FAILED;
    }
    if (isTransferCommand(name)) {
      await runTransfer(readTransferOrder(name, argv));
      return 0;
    }
    if (name === 'version') process.stdout.write(`${readHubVersion()}\n`);
    else if (name === 'help') process.stdout.write(USAGE);
    else throw new HubError('invalid', `There is no command "${name}".\n\n${USAGE}`);
    return 0;
  } catch (error) {
    return explain(error);
  }
}

async function runHub({ config, secrets }: LoadedConfig): Promise<number> {
  const stop = stopSignal();
  // "Local" in a device's template means the home's time zone, wherever the machine thinks it is.
  process.env['TZ'] = config.home.timezone;
  const { startHub } = await import('./hub.ts');
  const hub = await startHub(config, secrets);
  process.stdout.write(`ready ${JSON.stringify(hub.ready)}\n`);
  if (process.stderr.isTTY) process.stderr.write(`\n${welcomeText(hub.pairing())}\n\n`);
  await stop;
  return await stopWithin(hub, STOP_WITHIN_MS);
}

/** Exports, imports or seeds: with the running hub, or on the data folder itself where none runs. */
async function runTransfer(order: TransferOrder): Promise<void> {
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

function isAskingCommand(name: string): name is AskingCommand {
  return (ASKING_COMMANDS as readonly string[]).includes(name);
}
