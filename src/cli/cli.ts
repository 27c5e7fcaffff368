import { join } from 'node:path';

import type { HubStatus, PairingInfo, PhonePairing } from './types.ts';

import type { AccessoryOrder } from './accessory-commands.ts';
import type { DeviceOrder } from './device-commands.ts';
import type { EnergyOrder } from './energy-command.ts';
import type { HomekitOrder, HomekitReply, PlaceReply } from './homekit-command.ts';
import type { JobOrder } from './job-commands.ts';
import type { SuggestionOrder } from './suggestion-command.ts';

import { readHubVersion } from '../base/version.ts';
import { accessoryText } from './accessory-texts.ts';
import { askForTask, askHub } from './ask.ts';
import { isJobReplyGood, jobText } from './job-texts.ts';
import { deviceText } from './device-texts.ts';
import { energyText } from './energy-command.ts';
import { checkHomekit } from './homekit-check.ts';
import { checkReport, homekitStatusText, homekitText, placeText } from './homekit-command.ts';
import { suggestionText } from './suggestion-command.ts';
import { phoneText, welcomeText } from './welcome.ts';

export { readAccessoryOrder } from './accessory-commands.ts';
export { urlForOthers } from './address.ts';
export { askForTask, isHubThere } from './ask.ts';
export { startControl, type ControlTasks } from './control.ts';
export { readDeviceOrder } from './device-commands.ts';
export { readEnergyOrder } from './energy-command.ts';
export { readJobOrder } from './job-commands.ts';
export { readHomekitOrder } from './homekit-command.ts';
export { pairPhone } from './pair-phone.ts';
export { startProgress } from './progress.ts';
export { readSuggestionOrder } from './suggestion-command.ts';
export { isTransferCommand, readTransferOrder, type TransferOrder } from './transfer-order.ts';
export { welcomeText } from './welcome.ts';

/** The control socket's word for a new pairing code; takes {user}. */
export const PAIR_PHONE = 'pair_phone';

/** The name of the control socket in the data folder. */
export const CONTROL_SOCKET = 'hub.sock';

export const USAGE = `Usage: funkygibbon <command> [flags]

  start     run the hub in the foreground (the default)
  pair      show the HomeKit code, the owner's setup code and the MQTT credentials of the running hub:
              pair [--phone [USER]]
            With --phone also a QR code that pairs one phone, of USER or else of the owner, within ten minutes.
  status    show what the running hub does
  devices   list the devices, or tell where each value of one comes from: topic, template, last message, Apple Home
              devices [NAME or ID]
  mqtt      what is wrong with MQTT, and what nobody understood:
              mqtt [status]
              mqtt ghosts [--hours 24]      descriptions of devices of which nothing was heard for so long
              mqtt forget TOPIC…            has the broker forget such descriptions
              mqtt sniff [--seconds 30]     listens, and prints what was not understood as a report to paste
              mqtt users [add|remove NAME]  logins of the built-in broker for single devices
  accessories  HomeKit accessories that exist already: found in the network, or paired with the hub:
              accessories [list]
              accessories pair ID CODE      pairs with one by its setup code, and imports it
              accessories remove ID [--force]
            An accessory that is in Apple Home must be removed there first. With --force one is forgotten that cannot
            be reached; it must be reset then. What is imported is not shown to Apple Home again.
  energy    what the devices used and what it cost, how well that is known, and what stands out:
              energy [--days 30]
  suggestions  automations that would do what people do day after day, with the days they rest on:
              suggestions [list] [--locks]  with --locks those of locks, garage doors and alarms, too
              suggestions accept ID         makes it an automation
              suggestions dismiss ID [REASON…]
  homekit   show the bridges to Apple Home with their QR codes, and what is not shown there and why:
              homekit [--svg FILE] [--bridge N]   with --svg the QR code as a picture, too
              homekit check                       looks for what keeps phones from finding the hub
              homekit set DEVICE [--excluded true|false] [--bridge N] [--renew] [--confirm]
                  [--invert-opening true|false] [--invert-tilt true|false] [--component ID]
            set decides how Apple Home shows a device: not at all, on which bridge, with open and closed or the slats
            turned round (of all that opens, or one component), and with --renew as what the device says it is by now.
            Where Apple Home would forget something it says so, and goes on with --confirm only.
  jobs      what the hub does by itself at night and in between, and how it went:
              jobs [list]
              jobs run NAME                 runs one now, and waits for it
              jobs history [NAME] [--limit 20]
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
pair, status, devices, mqtt, energy, suggestions, homekit, accessories, jobs, export, import and seed take --json.
`;

/**
 * Asks the hub on a data folder about its devices and returns what to print.
 * @throws HubError `unavailable` when no hub runs there, `invalid` in the hub's words.
 */
export async function runDeviceCommand(
  { ask, args, json }: DeviceOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<string> {
  const socket = join(dataDir, CONTROL_SOCKET);
  // Listening takes its time, and a long list is larger than a quick answer may be.
  const reply = await askForTask(socket, ask, args, { signal });
  return json ? JSON.stringify(reply) : deviceText(ask, reply, readHubVersion());
}

/** The same about HomeKit accessories. */
export async function runAccessoryCommand(
  { ask, args, json }: AccessoryOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<string> {
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), ask, args, { signal });
  return json ? JSON.stringify(reply) : accessoryText(ask, reply);
}

/** The same about energy. */
export async function runEnergyCommand(
  { days, json }: EnergyOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<string> {
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), 'energy', { days }, { signal });
  return json ? JSON.stringify(reply) : energyText(reply);
}

/** The same about suggestions. A search on a small machine takes its time. */
export async function runSuggestionCommand(
  { ask, args, json }: SuggestionOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<string> {
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), ask, { ...args }, { signal });
  return json ? JSON.stringify(reply) : suggestionText(ask, reply);
}

/**
 * The same about jobs. `ok` is false where the job that was to be run did not come to its end.
 * @throws HubError `unavailable` when no hub runs there, `invalid` in the hub's words.
 */
export async function runJobCommand(
  { ask, args, json }: JobOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<{ text: string; ok: boolean }> {
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), ask, args, { signal });
  return { text: json ? JSON.stringify(reply) : jobText(ask, reply), ok: isJobReplyGood(ask, reply) };
}

/**
 * Shows or checks the bridges of the hub on a data folder. `ok` is false where the check found something.
 * @throws HubError `unavailable` when no hub runs there, `not_found` for a bridge that is not there.
 */
export async function runHomekitCommand(
  order: HomekitOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<{ text: string; ok: boolean }> {
  const socket = join(dataDir, CONTROL_SOCKET);
  // The running hub and this command are one program: what it answers has the type it was given.
  if (order.choice) {
    const place = (await askForTask(socket, 'homekit_choose', order.choice, { signal })) as PlaceReply;
    return { text: placeText(order, place), ok: true };
  }
  const reply = (await askForTask(socket, 'homekit', {}, { signal })) as HomekitReply;
  if (order.verb === 'show') return { text: homekitText(order, reply), ok: true };
  const check = await checkHomekit(reply);
  return { text: checkReport(order, check), ok: check.ok };
}

/** Commands that ask the running hub. */
export const ASKING_COMMANDS = ['pair', 'status'] as const;
export type AskingCommand = (typeof ASKING_COMMANDS)[number];

/** An order to the running hub, as it was typed. */
export interface AskOrder {
  readonly command: AskingCommand;
  readonly json: boolean;
  /** Whose phone is to be paired; null is the owner's, undefined nobody's. */
  readonly phone: string | null | undefined;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** Reads the words after `pair` or `status`. */
export function readAskOrder(command: AskingCommand, words: readonly string[]): AskOrder {
  const rest = words.filter((word) => word !== '--json');
  const json = rest.length < words.length;
  const at = command === 'pair' ? rest.findIndex((word) => /^--phone(=|$)/.test(word)) : -1;
  if (at < 0) return { command, json, phone: undefined, configFlags: rest };
  const [, given] = /^--phone=(.+)$/.exec(rest[at] ?? '') ?? [];
  const next = rest[at + 1];
  const isNamed = given === undefined && next !== undefined && !next.startsWith('-');
  return {
    command,
    json,
    phone: given ?? (isNamed ? next : null),
    configFlags: rest.toSpliced(at, isNamed ? 2 : 1),
  };
}

/**
 * Asks the hub on a data folder and returns what to print.
 * @throws HubError `unavailable` when no hub runs there, `invalid` in the hub's words (there is no such user).
 */
export async function runAskingCommand(order: AskOrder, dataDir: string): Promise<string> {
  const { command, json, phone } = order;
  const socket = join(dataDir, CONTROL_SOCKET);
  const reply = await askHub(socket, command);
  // The running hub and this command are one program: what it answers has the type it was given.
  const paired =
    phone === undefined ? undefined : ((await askHub(socket, PAIR_PHONE, { user: phone })) as PhonePairing);
  if (json) return JSON.stringify(paired ? { ...(reply as PairingInfo), phone: paired } : reply);
  if (command === 'status') return statusText(reply as HubStatus);
  return `${pairText(reply as PairingInfo)}${paired ? `\n${phoneText(paired)}\n` : ''}`.trimStart();
}

function pairText(info: PairingInfo): string {
  const password = info.mqtt ? `\n  password: ${info.mqtt.password}` : '';
  return `${welcomeText(info)}${password}\n`;
}

function statusText(status: HubStatus): string {
  return [
    `FunkyGibbon ${status.version} (${status.node_id}), up for ${Math.round(status.uptime_s)} s`,
    `  HTTP     ${status.http_url}`,
    `  MQTT     ${status.mqtt_url ?? 'off'}`,
    `  HomeKit  ${homekitStatusText(status.homekit)}`,
    `  devices  ${status.devices}`,
    `  storage  ${status.storage_fault ?? 'well'}`,
    '',
  ].join('\n');
}
