import { HubError } from '../base/errors.ts';

/** Too many failed attempts: the next one is looked at only after `retryAfterS` seconds. */
export class ThrottledError extends HubError {
  override readonly name: string = 'ThrottledError';
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    super('rate_limited', `Too many failed attempts. Try again in ${retryAfterS} s.`);
    this.retryAfterS = retryAfterS;
  }
}
