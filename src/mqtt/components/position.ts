import { ConfigProblem, readNumber, toNumber, type Config } from './fields.ts';
import { isUnknown } from './templates.ts';

/** The numbers that a device uses for closed and for fully open; the open one may be the smaller. */
export interface PositionScale {
  readonly closed: number;
  readonly open: number;
}

/** @throws ConfigProblem when open and closed are the same. */
export function readPositionScale(config: Config): PositionScale {
  const open = readNumber(config, 'position_open') ?? 100;
  const closed = readNumber(config, 'position_closed') ?? 0;
  if (open === closed) throw new ConfigProblem('Its position_open and position_closed are the same.');
  return { closed, open };
}

/**
 * Percent open, null where unknown, undefined where the text is no number. Only the very ends are 0 and 100: a door
 * that is open a crack must not count as closed.
 */
export function toPercentOpen(text: string, { closed, open }: PositionScale): number | null | undefined {
  if (isUnknown(text)) return null;
  const number = toNumber(text);
  if (number === null) return undefined;
  // Shelly's rollers tell -1 until they are calibrated: taken for closed, it would be a lie.
  if (number < 0 && Math.min(closed, open) >= 0) return null;
  const percent = ((number - closed) / (open - closed)) * 100;
  if (percent <= 0) return 0;
  return percent >= 100 ? 100 : Math.min(99, Math.max(1, Math.round(percent)));
}

/** The device's number for a percentage, whole as its firmware expects. */
export function fromPercentOpen(percent: number, { closed, open }: PositionScale): number {
  // Adding 0 turns the -0 of an inverted range into 0: a template would print it as -0.
  return Math.round(closed + ((open - closed) * percent) / 100) + 0;
}
