import type { Principal } from '../../access/types.ts';
import type { Author } from '../../graph/types.ts';

/** Who a version made through the API is by. */
export function authorOf(principal: Principal): Author {
  return { userId: principal.userId, deviceId: 'http' };
}
