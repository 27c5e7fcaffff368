import type { Actor, Origin, Principal } from '../../access/types.ts';
import type { Author } from '../../graph/types.ts';
import type { Call } from '../route.ts';

/** Who a version made through the API is by. */
export function authorOf(principal: Principal): Author {
  return { userId: principal.userId, deviceId: 'http' };
}

/** Where a request comes from, for the throttle and the audit log. */
export function originOf({ address, requestId }: Pick<Call, 'address' | 'requestId'>): Origin {
  return { address, requestId };
}

/** Who makes a request and from where. @throws Error on a public route without a token. */
export function actorOf(call: Pick<Call, 'address' | 'requestId' | 'principal'>): Actor {
  return { principal: call.principal, ...originOf(call) };
}
