import { HubError } from '../base/errors.ts';

/** What the running hub is asked about HomeKit accessories, by the control socket's words. */
export type AccessoryAsk = 'accessories' | 'accessories_pair' | 'accessories_remove';

/** An order about accessories, as it was typed. */
export interface AccessoryOrder {
  readonly ask: AccessoryAsk;
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const USAGE = 'accessories takes list, pair ID CODE, or remove ID [--force]: see `funkygibbon help`.';

/**
 * Reads the words after `accessories`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readAccessoryOrder(words: readonly string[]): AccessoryOrder {
  const json = words.includes('--json');
  const rest = words.filter((word) => word !== '--json' && word !== '--force');
  const force = words.includes('--force');
  // From the first flag on it is the configuration's.
  const at = rest.findIndex((word) => word.startsWith('-'));
  const plain = at < 0 ? rest : rest.slice(0, at);
  const configFlags = at < 0 ? [] : rest.slice(at);
  const order = (ask: AccessoryAsk, args: AccessoryOrder['args']): AccessoryOrder => ({
    ask,
    args,
    json,
    configFlags,
  });
  const [verb = 'list', id, code, ...more] = plain;
  if (force && verb !== 'remove') throw new HubError('invalid', USAGE);
  if (verb === 'list' && id === undefined) return order('accessories', {});
  // A code may be typed in pieces: 123 45 678.
  if (verb === 'pair' && id !== undefined && code !== undefined) {
    return order('accessories_pair', { id, code: [code, ...more].join('') });
  }
  if (verb === 'remove' && id !== undefined && code === undefined) {
    return order('accessories_remove', { id, force });
  }
  throw new HubError('invalid', USAGE);
}
