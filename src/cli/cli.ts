import { join } from 'node:path';

import type { HubStatus, PairingInfo } from './types.ts';

import { askHub } from './ask.ts';
import { welcomeText } from './welcome.ts';

export { urlForOthers } from './address.ts';
export { askForTask, isHubThere } from './ask.ts';
export { startControl } from './control.ts';
export { startProgress } from './progress.ts';
export { isTransferCommand, readTransferOrder, type TransferOrder } from './transfer-order.ts';
export { welcomeText } from './welcome.ts';

/** The name of the control socket in the data folder. */
export const CONTROL_SOCKET = 'hub.sock';

export const USAGE = `Usage: funkygibbon <command> [flags]

  start     run the hub in the foreground (the default)
  pair      show the HomeKit code, the owner's setup code and the MQTT credentials of the running hub
  status    show what the running hub does
  export    write the home graph to FILE, or to standard output where it is missing or "-":
              export [FILE] [--mode history|current] [--force]
            history (the default) is every version there ever was, current what holds now. The file holds no users,
            passwords, tokens or keys. One that is there is replaced with --force only.
  import    take over what an export wrote, or a database file of the Python FunkyGibbon ("-" = standard input):
              import FILE [--dry-run]
            The whole file is checked first. What the hub has already is passed over, so it can be repeated.
  seed      put a made-up family home into an empty hub, for looking around:
              seed [--dry-run] [--force]
  version   print the version
  help      print this

export, import and seed work with the running hub, and on the data folder itself where none runs.
Flags: --config FILE, --data-dir DIR, and every key of the configuration as --section.key VALUE.
pair, status, export, import and seed take --json.
`;

/** Commands that ask the running hub. */
export const ASKING_COMMANDS = ['pair', 'status'] as const;
export type AskingCommand = (typeof ASKING_COMMANDS)[number];

/**
 * Asks the hub on a data folder and returns what to print.
 * @throws HubError `unavailable` when no hub runs there.
 */
export async function runAskingCommand(
  command: AskingCommand,
  dataDir: string,
  json: boolean,
): Promise<string> {
  const reply = await askHub(join(dataDir, CONTROL_SOCKET), command);
  if (json) return JSON.stringify(reply);
  // The running hub and this command are one program: what it answers has the type it was given.
  return command === 'pair' ? pairText(reply as PairingInfo) : statusText(reply as HubStatus);
}

function pairText(info: PairingInfo): string {
  const password = info.mqtt ? `\n  password: ${info.mqtt.password}` : '';
  return `${welcomeText(info)}${password}\n`;
}

function statusText(status: HubStatus): string {
  const homekit = status.homekit
    ? `${status.homekit.paired ? 'paired' : 'waiting for pairing'}, ${status.homekit.accessories} accessories, port ${status.homekit.port}`
    : 'off';
  return [
    `FunkyGibbon ${status.version} (${status.node_id}), up for ${Math.round(status.uptime_s)} s`,
    `  HTTP     ${status.http_url}`,
    `  MQTT     ${status.mqtt_url ?? 'off'}`,
    `  HomeKit  ${homekit}`,
    `  devices  ${status.devices}`,
    `  storage  ${status.storage_fault ?? 'well'}`,
    '',
  ].join('\n');
}
