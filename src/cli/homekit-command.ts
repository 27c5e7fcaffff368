import { writeFileSync } from 'node:fs';
import { renderSVG } from 'uqr';

import type { HomekitCheck } from './homekit-check.ts';

import { errorText, HubError } from '../base/errors.ts';
import { checkText } from './homekit-check.ts';
import { scanText } from './welcome.ts';

/** An order about Apple Home, as it was typed. */
export interface HomekitOrder {
  readonly verb: 'show' | 'check';
  readonly json: boolean;
  /** Where the QR code is written as a picture. */
  readonly svg: string | null;
  /** Whose code that is; null is the first one that waits for pairing. */
  readonly bridge: number | null;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** What the hub answers, as the API describes it. */
export interface HomekitReply {
  readonly enabled: boolean;
  readonly advertiser: string | null;
  readonly bridges: readonly BridgeReply[];
  readonly hidden: readonly { readonly name: string; readonly reason: string }[];
}

export interface BridgeReply {
  readonly number: number;
  readonly name: string;
  readonly username: string;
  readonly port: number;
  readonly pin: string;
  readonly setup_uri: string;
  readonly paired: boolean;
  readonly controllers: number;
  readonly accessories: number;
  readonly problem: string | null;
}

/**
 * Reads the words after `homekit`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readHomekitOrder(words: readonly string[]): HomekitOrder {
  const rest = [...words];
  const json = takeWord(rest, '--json');
  const verb = rest[0] === 'check' ? 'check' : 'show';
  if (verb === 'check') rest.shift();
  const svg = takeOption(rest, '--svg');
  const bridge = takeOption(rest, '--bridge');
  if (rest[0] !== undefined && !rest[0].startsWith('-')) {
    throw new HubError('invalid', 'homekit takes nothing, or check: see `funkygibbon help`.');
  }
  if (bridge !== null && !/^[1-9]\d{0,3}$/.test(bridge)) {
    throw new HubError(
      'invalid',
      '--bridge takes the number of a bridge, as `funkygibbon homekit` lists them.',
    );
  }
  if (svg === '') throw new HubError('invalid', '--svg takes the file to write.');
  return { verb, json, svg, bridge: bridge === null ? null : Number(bridge), configFlags: rest };
}

function takeWord(words: string[], word: string): boolean {
  const at = words.indexOf(word);
  if (at >= 0) words.splice(at, 1);
  return at >= 0;
}

/** Takes `--name VALUE` or `--name=VALUE` out of the words. */
function takeOption(words: string[], name: string): string | null {
  const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
  if (at < 0) return null;
  const inline = words[at]?.slice(name.length + 1);
  const [, next] = words.splice(at, words[at] === name ? 2 : 1);
  return next ?? inline ?? '';
}

/** What is printed of the hub's answer, after the picture is written where one is wanted. */
export function homekitText(order: HomekitOrder, reply: HomekitReply): string {
  const written = order.svg === null ? null : writeSvg(order.svg, order.bridge, reply);
  if (order.json) return JSON.stringify(reply);
  if (!reply.enabled) return 'HomeKit is switched off (homekit.enabled).';
  const lines = reply.bridges.flatMap((bridge) => bridgeLines(bridge));
  if (written !== null) lines.push(written, '');
  if (reply.hidden.length > 0) {
    lines.push(
      'Not in Apple Home:',
      ...reply.hidden.map(({ name, reason }) => `  ${clean(name)}: ${reason}`),
      '',
    );
  }
  lines.push('Does a phone not find it? `funkygibbon homekit check` looks for the reason.');
  return lines.join('\n');
}

export function checkReport(order: HomekitOrder, check: HomekitCheck): string {
  return order.json ? JSON.stringify(check) : checkText(check);
}

function bridgeLines(bridge: BridgeReply): string[] {
  const { number, name, username, port, pin, paired, controllers, accessories, problem } = bridge;
  const state = paired
    ? `in Apple Home, ${controllers} paired ${controllers === 1 ? 'controller' : 'controllers'}`
    : 'waits to be added in Apple Home';
  const lines = [
    `${number}  ${name}: ${state}, ${accessories} accessories, port ${port}, id ${username}`,
    ...(problem === null ? [] : [`   ! ${problem}`]),
  ];
  if (paired) lines.push(`   setup code ${pin}, for when it was removed there`, '');
  else {
    const { setup_uri: setupUri } = bridge;
    lines.push('', scanText('   The Home app, "Add Accessory", and scan', { setupUri, pin }), '');
  }
  return lines;
}

/** @throws HubError where there is no such bridge or the file cannot be written. */
function writeSvg(file: string, number: number | null, { bridges }: HomekitReply): string {
  const bridge =
    number === null
      ? (bridges.find(({ paired }) => !paired) ?? bridges[0])
      : bridges.find((each) => each.number === number);
  if (!bridge) {
    const which = number === null ? 'HomeKit is switched off.' : `There is no bridge ${number}.`;
    throw new HubError('not_found', which);
  }
  try {
    // Whoever has the picture can pair with the hub.
    writeFileSync(file, renderSVG(bridge.setup_uri, { border: 4 }), { mode: 0o600 });
  } catch (error) {
    throw new HubError('invalid', `The picture could not be written: ${errorText(error)}.`, { cause: error });
  }
  return `The QR code of "${bridge.name}" is in ${file}. Whoever has it can pair: delete it afterwards.`;
}

/** Printable: what a device is called must not move the cursor. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
}
