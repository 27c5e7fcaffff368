import type { Scope } from '../../src/access/types.ts';
import type { ClientMessage } from '../../src/live/messages.ts';

type Role = 'owner' | 'admin' | 'member' | 'guest' | 'service';

/** Somebody with a token that is good now: a role, or an API key of one scope. */
export type Holder = Role | `key ${Scope}`;

export const HOLDERS: readonly Holder[] = [
  'owner',
  'admin',
  'member',
  'guest',
  'service',
  'key home:read',
  'key home:control',
  'key graph:write',
  'key sync',
  'key admin',
  'key metrics',
];

/*
 * Who may do what, as the README says it. This page and nothing in src is what the doors are measured by: the owner and
 * admins may everything, an admin's key too; a member everything but administer; a guest look, and take what was
 * changed; a service look and switch; a key what its one scope says.
 */
const ADMINS: readonly Holder[] = ['owner', 'admin', 'key admin'];
const MAY = {
  'everybody may': null,
  'whoever has a token may': HOLDERS,
  'look into the home': [...ADMINS, 'member', 'guest', 'service', 'key home:read'],
  'look, and switch devices': [...ADMINS, 'member', 'service'],
  'switch devices': [...ADMINS, 'member', 'service', 'key home:control'],
  'change the home': [...ADMINS, 'member', 'key graph:write'],
  'look, and change the home': [...ADMINS, 'member'],
  'take changes': [...ADMINS, 'member', 'guest', 'key sync'],
  'give changes': [...ADMINS, 'member', 'key sync'],
  administer: ADMINS,
  'administer by a login': ['owner', 'admin'],
  'decide about admins': ['owner'],
} as const satisfies Readonly<Record<string, readonly Holder[] | null>>;
export type What = keyof typeof MAY;

/** Whether somebody with a good token may. */
export function may(holder: Holder, what: What): boolean {
  const holders: readonly Holder[] | null = MAY[what];
  return holders === null || holders.includes(holder);
}

/** Every operation of the document, and below it those whose body or target makes them something else. */
export const POLICY: Readonly<Record<string, What>> = {
  'GET /': 'everybody may',
  'GET /health': 'everybody may',
  'GET /ready': 'everybody may',
  'GET /openapi.json': 'everybody may',
  'GET /setup': 'everybody may',

  'POST /api/auth/setup': 'everybody may',
  'POST /api/auth/login': 'everybody may',
  'POST /api/auth/refresh': 'everybody may',
  'POST /api/auth/pair': 'everybody may',
  'POST /api/v1/auth/admin/login': 'everybody may',
  'POST /api/v1/auth/guest/verify': 'everybody may',

  'GET /api/auth/me': 'whoever has a token may',
  'GET /api/v1/auth/me': 'whoever has a token may',
  'POST /api/auth/logout': 'whoever has a token may',
  'PUT /api/auth/password': 'whoever has a token may',
  'GET /api/auth/devices': 'whoever has a token may',
  'DELETE /api/auth/devices/{id}': 'whoever has a token may',
  'POST /api/v1/auth/refresh': 'administer by a login',

  'GET /api/users': 'administer',
  'POST /api/users': 'administer',
  'GET /api/users/{id}': 'administer',
  'PATCH /api/users/{id}': 'administer',
  'DELETE /api/users/{id}': 'administer',
  'GET /api/auth/api-keys': 'administer',
  'POST /api/auth/api-keys': 'administer',
  'POST /api/auth/api-keys/{id}/rotate': 'administer',
  'DELETE /api/auth/api-keys/{id}': 'administer',
  'POST /api/auth/pairing-codes': 'administer',
  'POST /api/v1/auth/guest/generate-qr': 'administer',
  'POST /api/v1/auth/guest/revoke': 'administer',
  'GET /api/v1/auth/guest/list': 'administer',
  'GET /api/audit': 'administer',
  'GET /api/mqtt/ghosts': 'administer',
  'POST /api/mqtt/ghosts/clear': 'administer',
  'POST /api/mqtt/sniff': 'administer',
  'GET /api/devices/{id}/explain': 'administer',
  'GET /api/mqtt/users': 'administer',
  'POST /api/mqtt/users': 'administer',
  'PATCH /api/mqtt/users/{name}': 'administer',
  'DELETE /api/mqtt/users/{name}': 'administer',
  'GET /api/homekit': 'administer',
  'PATCH /api/homekit/devices/{id}': 'administer',
  'GET /api/homekit/accessories': 'administer',
  'POST /api/homekit/accessories/{id}/pair': 'administer',
  'POST /api/homekit/accessories/{id}/identify': 'administer',
  'DELETE /api/homekit/accessories/{id}': 'administer',
  'GET /api/system/jobs': 'administer',
  'GET /api/system/jobs/history': 'administer',
  'POST /api/system/jobs/{name}/run': 'administer',
  'POST /api/system/jobs/history/{id}/cancel': 'administer',
  'POST /api/analytics/tariffs': 'administer',
  'PUT /api/analytics/tariffs/{id}': 'administer',
  'DELETE /api/analytics/tariffs/{id}': 'administer',
  'PUT /api/analytics/prices': 'administer',
  'DELETE /api/analytics/prices': 'administer',
  'GET /api/analytics/energy/corrections': 'administer',
  'POST /api/analytics/energy/corrections': 'administer',
  'DELETE /api/analytics/energy/corrections/{id}': 'administer',
  'GET /api/sync/devices': 'administer',

  'GET /api/automations': 'look into the home',
  'GET /api/automations/{id}/runs': 'look into the home',
  'POST /api/automations/check': 'look into the home',
  'POST /api/automations/{id}/enable': 'change the home',
  'POST /api/automations/{id}/disable': 'change the home',
  'POST /api/automations/{id}/run': 'switch devices',
  'GET /api/entities': 'look into the home',
  'GET /api/entities/{id}': 'look into the home',
  'GET /api/entities/{id}/versions': 'look into the home',
  'GET /api/entities/{id}/lineage': 'look into the home',
  'GET /api/entities/{id}/relationships': 'look into the home',
  'GET /api/entities/{id}/state': 'look into the home',
  'GET /api/entities/{id}/readings': 'look into the home',
  'GET /api/entities/{id}/activity': 'look into the home',
  'GET /api/analytics/usage': 'look into the home',
  'GET /api/analytics/suggestions': 'change the home',
  'POST /api/analytics/suggestions/{id}/accept': 'change the home',
  'POST /api/analytics/suggestions/{id}/dismiss': 'change the home',
  'GET /api/analytics/energy': 'look into the home',
  'GET /api/analytics/energy.csv': 'look into the home',
  'GET /api/analytics/tariffs': 'look into the home',
  'GET /api/analytics/tariffs/{id}': 'look into the home',
  'GET /api/analytics/prices': 'look into the home',
  'GET /api/mqtt': 'look into the home',
  'GET /api/relationships': 'look into the home',
  'GET /api/relationships/{id}': 'look into the home',
  'GET /api/relationships/{id}/versions': 'look into the home',
  'GET /api/search': 'look into the home',
  'GET /api/graph/path': 'look into the home',
  'GET /api/graph/neighbours': 'look into the home',
  'GET /api/graph/subgraph': 'look into the home',
  'GET /api/graph/snapshot': 'look into the home',
  'GET /api/graph/diff': 'look into the home',
  'GET /api/devices': 'look into the home',
  'GET /api/v1/graph/entities': 'look into the home',
  'GET /api/v1/graph/entities/{id}': 'look into the home',
  'GET /api/v1/graph/entities/{id}/versions': 'look into the home',
  'GET /api/v1/graph/entities/{id}/connected': 'look into the home',
  'GET /api/v1/graph/entities/{id}/similar': 'look into the home',
  'GET /api/v1/graph/relationships': 'look into the home',
  'POST /api/v1/graph/search': 'look into the home',
  'POST /api/v1/graph/path': 'look into the home',
  'GET /api/v1/graph/statistics': 'look into the home',
  'GET /api/v1/mcp/tools': 'look into the home',
  'GET /api/v1/mcp/tools/{name}': 'look into the home',
  'POST /api/v1/mcp/tools/{name}': 'look into the home',

  'POST /api/entities/{id}/commands': 'switch devices',

  'POST /api/entities': 'change the home',
  'PUT /api/entities/{id}': 'change the home',
  'PATCH /api/entities/{id}': 'change the home',
  'DELETE /api/entities/{id}': 'change the home',
  'POST /api/entities/{id}/restore': 'change the home',
  'POST /api/relationships': 'change the home',
  'PATCH /api/relationships/{id}': 'change the home',
  'DELETE /api/relationships/{id}': 'change the home',
  'POST /api/v1/graph/entities': 'change the home',
  'PUT /api/v1/graph/entities/{id}': 'change the home',
  'POST /api/v1/graph/relationships': 'change the home',

  'POST /api/sync/inbetweenies': 'take changes',
  'GET /api/sync/status/{device_id}': 'take changes',
  'GET /api/sync/conflicts': 'take changes',
  'POST /api/v1/sync': 'take changes',
  'GET /api/v1/sync/status': 'take changes',
  'GET /api/v1/sync/conflicts': 'take changes',
  'GET /api/v1/sync-metadata': 'take changes',
  'GET /api/v1/sync-metadata/{client_id}': 'take changes',
  'GET /api/v1/sync-metadata/{client_id}/status': 'take changes',

  'POST /api/sync/force/{device_id}': 'give changes',
  'POST /api/sync/conflicts/{conflict_id}/resolve': 'give changes',
  'POST /api/v1/sync/conflicts/{id}/resolve': 'give changes',
  'POST /api/v1/sync-metadata': 'give changes',
  'DELETE /api/v1/sync-metadata/{client_id}': 'give changes',
  'POST /api/v1/sync-metadata/{client_id}/sync-start': 'give changes',
  'POST /api/v1/sync-metadata/{client_id}/sync-success': 'give changes',
  'POST /api/v1/sync-metadata/{client_id}/sync-failure': 'give changes',

  'POST /api/sync/inbetweenies (with changes)': 'give changes',
  'POST /api/v1/sync (with changes)': 'give changes',
  'POST /api/v1/mcp/tools/{name} (one that changes the home)': 'look, and change the home',
  'POST /api/users (an admin)': 'decide about admins',
  'PATCH /api/users/{id} (to an owner)': 'decide about admins',
  'PATCH /api/users/{id} (of an admin)': 'decide about admins',
  'DELETE /api/users/{id} (of an admin)': 'decide about admins',
  'POST /api/auth/pairing-codes (for an admin)': 'decide about admins',
  'DELETE /api/auth/devices/{id} (of an admin)': 'decide about admins',
  'DELETE /api/auth/devices/{id} (of a member)': 'administer',
};

/** Every message that a WebSocket takes; a type that is missing here does not compile. */
export const MESSAGE_POLICY: Readonly<Record<ClientMessage['type'], What>> = {
  auth: 'look into the home',
  subscribe: 'look into the home',
  unsubscribe: 'look into the home',
  ping: 'look into the home',
  command: 'look, and switch devices',
};
