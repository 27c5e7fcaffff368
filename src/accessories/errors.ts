import { HubError, type ErrorKind } from '../base/errors.ts';

/** What can go wrong with somebody else's accessory. */
export type AccessoryFault =
  | 'wrong_code'
  | 'malformed_code'
  | 'already_paired'
  | 'max_tries'
  | 'max_peers'
  | 'busy'
  | 'back_off'
  | 'not_paired' // it does not know our key any more: it was reset, or another controller removed us
  | 'impostor' // it could not prove to be the one that was paired
  | 'unreachable'
  | 'timeout'
  | 'dropped' // the connection ended while something was under way
  | 'refused' // it answered, and the answer is no
  | 'protocol' // it answered something that makes no sense
  | 'stopped';

interface Meaning {
  readonly kind: ErrorKind;
  readonly text: string;
}

const MEANINGS: Readonly<Record<AccessoryFault, Meaning>> = {
  wrong_code: {
    kind: 'invalid',
    text: 'The accessory says that this is not its setup code. The code has eight digits and is on the accessory or its manual; after several wrong ones some accessories must be restarted.',
  },
  malformed_code: {
    kind: 'invalid',
    text: 'A setup code has eight digits, such as 123-45-678.',
  },
  already_paired: {
    kind: 'conflict',
    text: 'The accessory is paired already, with Apple Home or another hub, and takes no second one. Remove it there first (rooms and automations that use it there are lost), or reset it; then add it here.',
  },
  max_tries: {
    kind: 'unavailable',
    text: 'The accessory has seen too many wrong codes and takes no more. Unplug it, plug it in again, and try with the right code.',
  },
  max_peers: {
    kind: 'conflict',
    text: 'The accessory cannot remember a further controller. Remove one of those that it is paired with, or reset it.',
  },
  busy: {
    kind: 'unavailable',
    text: 'The accessory is busy, perhaps being paired by somebody else. Try again in a minute.',
  },
  back_off: {
    kind: 'unavailable',
    text: 'The accessory asks to wait before the next attempt. Try again in a few minutes.',
  },
  not_paired: {
    kind: 'conflict',
    text: 'The accessory does not know this hub any more: it was reset, or the hub was removed from it. Remove it here and pair it again.',
  },
  impostor: {
    kind: 'unavailable',
    text: 'What answers at the address of the accessory could not prove that it is the one that was paired.',
  },
  unreachable: {
    kind: 'unavailable',
    text: 'The accessory cannot be reached. Check that it has power and is in the same network.',
  },
  timeout: { kind: 'unavailable', text: 'The accessory did not answer in time.' },
  dropped: { kind: 'unavailable', text: 'The accessory ended the connection.' },
  refused: { kind: 'unavailable', text: 'The accessory refused the request.' },
  protocol: {
    kind: 'unavailable',
    text: 'The accessory answered something that is not the HomeKit Accessory Protocol.',
  },
  stopped: { kind: 'unavailable', text: 'The connection to the accessory was closed by the hub.' },
};

/** A fault of an imported accessory, in words for the person who owns it. */
export class AccessoryError extends HubError {
  override readonly name = 'AccessoryError';
  readonly fault: AccessoryFault;

  /** `detail` is for whoever looks deeper: a sentence of its own behind the words of the fault. */
  constructor(fault: AccessoryFault, detail?: string, options: { cause?: unknown } = {}) {
    const { kind, text } = MEANINGS[fault];
    super(kind, detail === undefined ? text : `${text} (${detail})`, {
      ...options,
      code: `ACCESSORY_${fault.toUpperCase()}`,
    });
    this.fault = fault;
  }
}

/** Why an accessory that is paired cannot be reached, as the end of a sentence. */
const ENDINGS: Readonly<Partial<Record<AccessoryFault, string>>> = {
  not_paired: 'it does not know this hub any more; remove it here and pair it again',
  impostor: 'what answers at its address could not prove to be the one that was paired',
  unreachable: 'nothing answers at its address; check that it has power and is in the same network',
  timeout: 'it does not answer in time',
  dropped: 'it ended the connection',
  busy: 'it is busy',
  max_peers: 'it takes no further connection',
  refused: 'it refuses the connection',
  protocol: 'it answers something that is not the HomeKit Accessory Protocol',
};

/** See `ENDINGS`. */
export function faultEnding({ fault }: AccessoryError): string {
  return ENDINGS[fault] ?? 'the connection to it is down';
}

/** HAP's status codes of a single characteristic (table 6-11). */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  [-70401]: 'the hub may not do this',
  [-70402]: 'the accessory does not reach the device behind it',
  [-70403]: 'the device is busy',
  [-70404]: 'it cannot be written',
  [-70405]: 'it cannot be read',
  [-70406]: 'it sends no events',
  [-70407]: 'the device is out of resources',
  [-70408]: 'the device did not answer in time',
  [-70409]: 'the accessory does not have it any more',
  [-70410]: 'the value is not one that it takes',
  [-70411]: 'it asks for an authorisation',
  [-70412]: 'it is not allowed in the present state',
};

/** Why one characteristic was not read or written, as the end of a sentence. */
export function statusText(status: number): string {
  return STATUS_TEXTS[status] ?? `status ${status}`;
}
