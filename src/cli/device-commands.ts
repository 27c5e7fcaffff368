import { HubError } from '../base/errors.ts';

/** What the running hub is asked about devices and MQTT, by the control socket's words. */
export type DeviceAsk =
  | 'devices'
  | 'explain'
  | 'mqtt'
  | 'mqtt_ghosts'
  | 'mqtt_forget'
  | 'mqtt_sniff'
  | 'mqtt_users'
  | 'mqtt_user_add'
  | 'mqtt_user_remove';

/** An order about devices, as it was typed. */
export interface DeviceOrder {
  readonly ask: DeviceAsk;
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const MQTT_USAGE = 'mqtt takes status, ghosts, forget, sniff or users: see `funkygibbon help`.';

/**
 * Reads the words after `devices` or `mqtt`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readDeviceOrder(command: 'devices' | 'mqtt', words: readonly string[]): DeviceOrder {
  const json = words.includes('--json');
  const { values, rest } = takeOptions(
    words.filter((word) => word !== '--json'),
    command === 'mqtt' ? ['--hours', '--seconds'] : [],
  );
  const { plain, configFlags } = split(rest);
  const order = (ask: DeviceAsk, args: DeviceOrder['args']): DeviceOrder => ({
    ask,
    args,
    json,
    configFlags,
  });
  if (command === 'devices') {
    const [device, ...more] = plain;
    if (more.length > 0)
      throw new HubError('invalid', 'devices takes one device: put a name with spaces in quotes.');
    return device === undefined ? order('devices', {}) : order('explain', { device });
  }
  const [verb = 'status', ...topics] = plain;
  if (verb === 'users') {
    const [act, name, ...more] = topics;
    if (act === undefined) return order('mqtt_users', {});
    const ask = act === 'add' ? 'mqtt_user_add' : act === 'remove' ? 'mqtt_user_remove' : undefined;
    if (ask && name !== undefined && more.length === 0) return order(ask, { name });
    throw new HubError('invalid', 'mqtt users takes nothing, add NAME or remove NAME.');
  }
  if (verb !== 'forget' && topics.length > 0) throw new HubError('invalid', MQTT_USAGE);
  if (verb === 'status') return order('mqtt', {});
  if (verb === 'ghosts')
    return order('mqtt_ghosts', { silent_hours: numberOf(values, '--hours', 24, [0, 8760]) });
  if (verb === 'sniff') return order('mqtt_sniff', { seconds: numberOf(values, '--seconds', 30, [1, 300]) });
  if (verb !== 'forget') throw new HubError('invalid', MQTT_USAGE);
  if (topics.length === 0) {
    throw new HubError('invalid', 'mqtt forget takes the topics that `funkygibbon mqtt ghosts` lists.');
  }
  return order('mqtt_forget', { topics });
}

/** Takes `--name VALUE` and `--name=VALUE` out of the words. */
function takeOptions(
  words: readonly string[],
  names: readonly string[],
): { values: Map<string, string>; rest: string[] } {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [name = '', inline] = word.split('=', 2);
    if (!names.includes(name)) {
      rest.push(word);
      continue;
    }
    values.set(name, inline ?? words[at + 1] ?? '');
    if (inline === undefined) at += 1;
  }
  return { values, rest };
}

/** The order's own words come first; from the first flag on it is the configuration's. */
function split(words: readonly string[]): { plain: string[]; configFlags: string[] } {
  const at = words.findIndex((word) => word.startsWith('-'));
  return at < 0
    ? { plain: [...words], configFlags: [] }
    : { plain: words.slice(0, at), configFlags: words.slice(at) };
}

function numberOf(
  values: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  [min, max]: readonly [number, number],
): number {
  const text = values.get(name);
  if (text === undefined) return fallback;
  const number = Number(text);
  if (text.trim() === '' || !(number >= min && number <= max)) {
    throw new HubError('invalid', `${name} takes a number from ${min} to ${max}.`);
  }
  return number;
}
