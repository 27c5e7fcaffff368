import { writeFileSync } from 'node:fs';
import { renderSVG } from 'uqr';

import type { HomekitCheck } from './homekit-check.ts';
import type { HubStatus } from './types.ts';

import { errorText, HubError } from '../base/errors.ts';
import { checkText } from './homekit-check.ts';
import { scanText } from './welcome.ts';

/** An order about Apple Home, as it was typed. */
export interface HomekitOrder {
  readonly verb: 'show' | 'accessories' | 'check' | 'set';
  /** What `set` asks of one device, in the words of the API; null else. */
  readonly choice: Readonly<Record<string, unknown>> | null;
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
  readonly shown: readonly {
    readonly name: string;
    readonly bridge: number;
    readonly services: readonly string[];
  }[];
  readonly hidden: readonly { readonly name: string; readonly reason: string }[];
  readonly kept: readonly { readonly name: string; readonly parts: readonly PartReply[] }[];
}

export interface BridgeReply {
  readonly number: number;
  readonly name: string;
  readonly username: string;
  readonly port: number;
  readonly pin: string;
  readonly setup_uri: string;
  readonly paired: boolean;
  readonly pairings: readonly {
    readonly id: string;
    readonly admin: boolean;
    readonly connected_from: readonly string[];
  }[];
  readonly alone: boolean;
  readonly accessories: number;
  readonly problem: string | null;
}

export interface PartReply {
  readonly component: string;
  readonly label: string | null;
  readonly service: string;
  readonly announced_service: string | null;
  readonly invert_opening: boolean | null;
  readonly invert_tilt: boolean | null;
}

/** Where a device stands after `set`. */
export interface PlaceReply {
  readonly excluded: boolean;
  readonly bridge: number | null;
  readonly alone: boolean;
  readonly shown: boolean;
  readonly parts: readonly PartReply[];
}

const VERBS = ['accessories', 'check'] as const;

/**
 * Reads the words after `homekit`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readHomekitOrder(words: readonly string[]): HomekitOrder {
  const rest = [...words];
  const json = takeWord(rest, '--json');
  if (rest[0] === 'set') return readChoice(rest.slice(1), json);
  const verb = VERBS.find((word) => word === rest[0]) ?? 'show';
  if (verb !== 'show') rest.shift();
  const svg = takeOption(rest, '--svg');
  const bridge = takeOption(rest, '--bridge');
  if (rest[0] !== undefined && !rest[0].startsWith('-')) {
    throw new HubError(
      'invalid',
      'homekit takes nothing, accessories, check or set: see `funkygibbon help`.',
    );
  }
  if (bridge !== null && !/^[1-9]\d{0,3}$/.test(bridge)) {
    throw new HubError(
      'invalid',
      '--bridge takes the number of a bridge, as `funkygibbon homekit` lists them.',
    );
  }
  if (svg === '') throw new HubError('invalid', '--svg takes the file to write.');
  return {
    verb,
    choice: null,
    json,
    svg,
    bridge: bridge === null ? null : Number(bridge),
    configFlags: rest,
  };
}

/** `set DEVICE` and what is to be; see `funkygibbon help`. */
function readChoice(words: readonly string[], json: boolean): HomekitOrder {
  const rest = [...words];
  const choice: Record<string, unknown> = {};
  for (const [flag, key] of [
    ['--excluded', 'excluded'],
    ['--invert-opening', 'invert_opening'],
    ['--invert-tilt', 'invert_tilt'],
  ] as const) {
    const said = takeOption(rest, flag);
    if (said === null) continue;
    if (said !== 'true' && said !== 'false') throw new HubError('invalid', `${flag} takes true or false.`);
    choice[key] = said === 'true';
  }
  const bridge = takeOption(rest, '--bridge');
  if (bridge !== null) {
    if (!/^[1-9]\d{0,2}$/.test(bridge))
      throw new HubError('invalid', '--bridge takes the number of a bridge.');
    choice['bridge'] = Number(bridge);
  }
  if (takeWord(rest, '--alone')) choice['alone'] = true;
  if (bridge !== null && choice['alone'] === true) {
    throw new HubError('invalid', 'homekit set takes --bridge or --alone, not both.');
  }
  if (takeWord(rest, '--renew')) choice['renew'] = true;
  if (Object.keys(choice).length === 0) {
    throw new HubError(
      'invalid',
      'homekit set takes a device and --excluded, --bridge, --alone, --invert-opening, --invert-tilt or --renew.',
    );
  }
  const component = takeOption(rest, '--component');
  if (component === '') throw new HubError('invalid', '--component takes the component that is meant.');
  if (component !== null) choice['component'] = component;
  if (takeWord(rest, '--confirm')) choice['confirm'] = true;
  const [device, ...configFlags] = rest;
  if (device === undefined || device.startsWith('-')) {
    throw new HubError('invalid', 'homekit set takes a device, by its name or id, first.');
  }
  const stray = configFlags.at(0);
  if (stray !== undefined && !stray.startsWith('-')) {
    throw new HubError('invalid', 'homekit set takes one device: put a name with spaces in quotes.');
  }
  return { verb: 'set', choice: { ...choice, device }, json, svg: null, bridge: null, configFlags };
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
  if (order.verb === 'accessories') return accessoriesText(reply);
  const lines = reply.bridges.flatMap((bridge) => bridgeLines(bridge));
  if (written !== null) lines.push(written, '');
  lines.push(...hiddenLines(reply));
  if (reply.kept.length > 0) {
    lines.push(
      'Still shown as what they were; `funkygibbon homekit set DEVICE --renew` shows them as what they are:',
      ...reply.kept.map(({ name, parts }) => `  ${clean(name)}: ${parts.map(keptText).join(', ')}`),
      '',
    );
  }
  lines.push(
    '`funkygibbon homekit accessories` lists what Apple Home shows.',
    'Does a phone not find it? `funkygibbon homekit check` looks for the reason.',
  );
  return lines.join('\n');
}

/** Every device by its bridge, with its services, and those that are on none. */
function accessoriesText(reply: HomekitReply): string {
  const lines = reply.bridges.flatMap(({ number, name, paired }) => [
    `${number}  ${name}${paired ? '' : ': waits to be added in Apple Home'}`,
    ...reply.shown
      .filter(({ bridge }) => bridge === number)
      .map(({ name: device, services }) => `  ${clean(device)}: ${countEqual(services).join(', ')}`),
    '',
  ]);
  return [...lines, ...hiddenLines(reply)].join('\n').trimEnd();
}

function hiddenLines({ hidden }: HomekitReply): string[] {
  if (hidden.length === 0) return [];
  return ['Not in Apple Home:', ...hidden.map(({ name, reason }) => `  ${clean(name)}: ${reason}`), ''];
}

/** `Switch`, `Switch` are `Switch ×2`. */
function countEqual(words: readonly string[]): string[] {
  return [...Map.groupBy(words, (word) => word)].map(([word, { length }]) =>
    length === 1 ? word : `${word} ×${length}`,
  );
}

function keptText({ service, announced_service: announced }: PartReply): string {
  return `${service}, by now ${announced}`;
}

/** Where a device stands after `set`. */
export function placeText(order: HomekitOrder, reply: PlaceReply): string {
  if (order.json) return JSON.stringify(reply);
  const { excluded, bridge, alone, shown, parts } = reply;
  const where = shown
    ? `shown on bridge ${bridge}${alone ? ', alone' : ''}`
    : excluded
      ? 'kept out of Apple Home'
      : 'not shown';
  return [
    `It is ${where}.`,
    ...parts.map((part) => {
      const turned = [
        ...(part.invert_opening === true ? ['open and closed turned round'] : []),
        ...(part.invert_tilt === true ? ['slats turned round'] : []),
        ...(part.announced_service === null ? [] : [`by now ${part.announced_service}`]),
      ];
      const name = part.label === null ? part.component : `${clean(part.label)} (${part.component})`;
      return `  ${name}: ${[part.service, ...turned].join(', ')}`;
    }),
  ].join('\n');
}

/** The bridges, for `funkygibbon status`. */
export function homekitStatusText(homekit: HubStatus['homekit']): string {
  if (!homekit) return 'off';
  return homekit.bridges
    .map(({ name, paired, accessories, port, problem }) => {
      const text = `${paired ? 'paired' : 'waiting for pairing'}, ${accessories} accessories, port ${port}`;
      const named = homekit.bridges.length > 1 ? `${name}: ${text}` : text;
      return problem === null ? named : `${named} ! ${problem}`;
    })
    .join('\n           ');
}

export function checkReport(order: HomekitOrder, check: HomekitCheck): string {
  return order.json ? JSON.stringify(check) : checkText(check);
}

function bridgeLines(bridge: BridgeReply): string[] {
  const { number, name, username, port, pin, paired, pairings, alone, accessories, problem } = bridge;
  const state = paired ? 'in Apple Home' : 'waits to be added in Apple Home';
  const holds = alone
    ? 'for one device alone'
    : `${accessories} ${accessories === 1 ? 'accessory' : 'accessories'}`;
  const lines = [
    `${number}  ${name}: ${state}, ${holds}, port ${port}, id ${username}`,
    ...(problem === null ? [] : [`   ! ${problem}`]),
    ...pairings.map(
      ({ id, admin, connected_from: from }) =>
        `   paired with ${id}${admin ? '' : ', without the right to add others'}, ${from.length > 0 ? `connected from ${from.join(', ')}` : 'not connected now'}`,
    ),
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
