import { errorText, HubError } from '../../base/errors.ts';

const MAX_CHARS = 300;

/**
 * What went wrong on the way out, for people: in one line, without the secrets that the other side may have repeated.
 * @param secrets null ones are left alone.
 */
export function deliveryError(what: string, error: unknown, secrets: readonly (string | null)[]): HubError {
  // What fetch says itself is only that it failed.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  let text = errorText(cause).replace(/[\p{Cc}\s]+/gu, ' ');
  for (const secret of secrets) {
    if (secret === null || secret === '') continue;
    for (const form of [secret, Buffer.from(secret).toString('base64')]) text = text.replaceAll(form, '…');
  }
  return new HubError('unavailable', `${what}: ${text.trim().slice(0, MAX_CHARS) || 'no reason was given'}`);
}
