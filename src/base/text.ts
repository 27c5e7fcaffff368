// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Whether a text can be shown, stored and sent on: no control characters, no lone surrogates. */
export function isPlainText(text: string): boolean {
  return !CONTROL.test(text) && text.isWellFormed();
}

/** The longest name of a client; in UTF-16 units. */
export const MAX_DEVICE_ID = 128;

/** What a device may call itself, for the people who wrote its program. */
export const DEVICE_ID_RULE = `must be 1 to ${MAX_DEVICE_ID} characters without control characters`;

/** The one rule for what a client calls itself, whichever door it comes to. */
export function isDeviceId(text: string): boolean {
  return text.length >= 1 && text.length <= MAX_DEVICE_ID && isPlainText(text);
}
