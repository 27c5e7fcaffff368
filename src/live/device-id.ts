// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What a device may call itself, for the people who wrote its program. */
export const DEVICE_ID_RULE = 'must be 1 to 128 characters without control characters';

/** The same names that a sync takes, so that whoever syncs can also be found here. */
export function isDeviceId(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && !CONTROL.test(text) && text.isWellFormed();
}
