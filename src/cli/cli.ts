import { join } from 'node:path';

import type { Terminal } from '../base/terminal.ts';
import type { HubStatus, PairingInfo, PhonePairing } from './types.ts';

import type { AccessoryOrder } from './accessory-commands.ts';
import type { AutomationOrder } from './automation-command.ts';
import type { DeviceOrder } from './device-commands.ts';
import type { EnergyOrder } from './energy-command.ts';
import type { HomekitOrder, HomekitReply, PlaceReply } from './homekit-command.ts';
import type { JobOrder } from './job-commands.ts';
import type { ReportOrder } from './report-command.ts';
import type { ProgramOptions } from './program.ts';
import type { SuggestionOrder } from './suggestion-command.ts';
import type { UserOrder } from './user-command.ts';

import { askYes } from '../base/terminal.ts';
import { readHubVersion } from '../base/version.ts';
import { accessoryText } from './accessory-texts.ts';
import { askForTask, askHub } from './ask.ts';
import { readAutomationFile } from './automation-command.ts';
import { automationText, isAutomationReplyGood } from './automation-texts.ts';
import { isJobReplyGood, jobText } from './job-texts.ts';
import { deviceText } from './device-texts.ts';
import { energyText } from './energy-command.ts';
import { checkHomekit } from './homekit-check.ts';
import { checkReport, homekitStatusText, homekitText, placeText } from './homekit-command.ts';
import { reportReplyText } from './report-command.ts';
import { suggestionText } from './suggestion-command.ts';
import { askPassword } from './input.ts';
import { userText } from './user-command.ts';
import { phoneText, welcomeText } from './welcome.ts';

export { readAccessoryOrder } from './accessory-commands.ts';
export { urlForOthers } from './address.ts';
export { askForTask, isHubThere } from './ask.ts';
export { readAutomationOrder } from './automation-command.ts';
export { startControl, type ControlTasks } from './control.ts';
export { readDeviceOrder } from './device-commands.ts';
export { readEnergyOrder } from './energy-command.ts';
export { readJobOrder } from './job-commands.ts';
export { readText } from './input.ts';
export { readHomekitOrder } from './homekit-command.ts';
export { pairPhone } from './pair-phone.ts';
export { startProgress } from './progress.ts';
export { readReportOrder } from './report-command.ts';
export { readSuggestionOrder } from './suggestion-command.ts';
export { readBackupOrder, type BackupOrder } from './backup-commands.ts';
export { readTransferOrder, type TransferOrder } from './transfer-order.ts';
export { readUserOrder } from './user-command.ts';
export { welcomeText } from './welcome.ts';

/** The control socket's word for a new pairing code; takes {user}. */
export const PAIR_PHONE = 'pair_phone';

/** The name of the control socket in the data folder. */
export const CONTROL_SOCKET = 'hub.sock';

/** Finds the command that was typed and carries it out, see `program.ts`. */
export async function runProgram(options: ProgramOptions): Promise<void> {
  // Starting the hub needs none of it.
  const program = await import('./program.ts');
  await program.runProgram(options);
}

/** What makes a shell complete the words of this command. @throws HubError `invalid` for a shell that is not known. */
export async function completionFor(shell: string): Promise<string> {
  const [{ completionScript }, { buildProgram }] = await Promise.all([
    import('./completion.ts'),
    import('./program.ts'),
  ]);
  return completionScript(shell, buildProgram());
}

/** Asks the hub on a data folder about the people of the home, after asking the person for what is missing. */
export async function runUserCommand(
  order: UserOrder,
  dataDir: string,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<string> {
  if (
    order.question !== null &&
    !(terminal.stdin.isTTY === true && (await askYes(terminal, order.question)))
  ) {
    return 'Nothing was changed. Say --yes to do it without being asked.';
  }
  const password = order.needsPassword ? await askPassword(terminal) : undefined;
  const args = password === undefined ? order.args : { ...order.args, password };
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), order.ask, args, { signal });
  return order.json ? JSON.stringify(reply) : userText(order, reply);
}

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
  return json ? JSON.stringify(reply) : suggestionText({ ask, args }, reply);
}

/** The same about reports; a page that was asked for is written to its file. */
export async function runReportCommand(
  order: ReportOrder,
  dataDir: string,
  signal: AbortSignal,
): Promise<string> {
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), order.ask, { ...order.args }, { signal });
  return reportReplyText(order, reply);
}

/**
 * The same about automations. `ok` is false where one that was to be run did not do all it does, and for a content that
 * cannot run. @param readFile the text of a file; "-" is standard input.
 */
export async function runAutomationCommand(
  { ask, args, file, json }: AutomationOrder,
  dataDir: string,
  signal: AbortSignal,
  readFile: (file: string) => Promise<string>,
): Promise<{ text: string; ok: boolean }> {
  const told = file === null ? args : readAutomationFile(await readFile(file));
  const reply = await askForTask(join(dataDir, CONTROL_SOCKET), ask, { ...told }, { signal });
  const text = json ? JSON.stringify(reply) : automationText(ask, reply);
  return { text, ok: isAutomationReplyGood(ask, reply) };
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
  if (order.verb !== 'check') return { text: homekitText(order, reply), ok: true };
  const check = await checkHomekit(reply);
  return { text: checkReport(order, check), ok: check.ok };
}

/** Commands that ask the running hub. */
export type AskingCommand = 'pair' | 'status';

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
    `  devices  ${status.devices}, of ${status.entities} things in the home`,
    `  storage  ${status.storage_fault ?? 'well'}`,
    '',
  ].join('\n');
}
