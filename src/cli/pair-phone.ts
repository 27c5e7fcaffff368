import type { Access } from '../access/access.ts';
import type { PhonePairing } from './types.ts';

import { pairingUri } from '../access/access.ts';
import { TERMINAL } from '../access/types.ts';
import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';

export interface PairPhoneOptions {
  readonly access: Pick<Access, 'users' | 'pairing'>;
  /** Where a phone reaches the hub, by TLS where there is TLS; then with what its certificate has to match. */
  readonly hub: () => { readonly url: string; readonly fingerprint: string | null };
}

/**
 * The control socket's answer to `pair --phone [USER]`: a code for a phone of that user, or else of the owner.
 * @throws HubError `not_found` when there is no such user, `conflict` where too many codes are open.
 */
export function pairPhone({ access, hub }: PairPhoneOptions): (args: unknown) => Promise<PhonePairing> {
  return async (args) => {
    const named = isJsonObject(args) && typeof args['user'] === 'string' ? args['user'] : null;
    const found =
      named === null
        ? access.users.list().find(({ role }) => role === 'owner')
        : access.users.findByName(named);
    if (!found) throw new HubError('not_found', noUserText(named));
    const { code, expiresAtMs } = await access.pairing.makeCode({ userId: found.id }, TERMINAL);
    const uri = pairingUri({ ...hub(), code });
    return { username: found.username, code, uri, expires_at: toIso(expiresAtMs) };
  };
}

function noUserText(named: string | null): string {
  return named === null
    ? 'There is no owner yet whose phone could be paired. Set the hub up with the code that `funkygibbon pair` shows.'
    : `There is no user ${JSON.stringify(named)}. GET /api/users lists them.`;
}
