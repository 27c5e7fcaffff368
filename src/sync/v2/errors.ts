import { HubError } from '../../base/errors.ts';

/** A v2 request of the wrong shape, which its clients know as 422 rather than 400. */
export class MalformedRequest extends HubError {
  override readonly name = 'MalformedRequest';

  constructor(message: string, field: string) {
    super('invalid', message, { field });
  }
}
