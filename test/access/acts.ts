import type { Guest } from './house.ts';

import { PASSWORD, type House } from './house.ts';

/** A request that is in order: whoever may make it gets what they ask for. */
export interface Act {
  /** Put in the place of the `{name}`s of the path, one after the other. */
  readonly ids?: readonly string[];
  readonly query?: string;
  readonly body?: unknown;
  /** In place of the caller's own token: a login that may end. */
  readonly token?: string;
  /** What else than success is right, because nothing of the kind is there, or a key has no login. */
  readonly status?: number;
}

/**
 * @param by null for whoever is not to be let in
 * @param isAllowed only then something is made that may be changed or end; else what stands must go on standing
 */
type Prepare = (house: House, by: Guest | null, isAllowed: boolean) => Promise<Act>;

const always =
  (act: Act): Prepare =>
  async () =>
    await Promise.resolve(act);

/** What has to be there is made only for who may use it; to others it is enough to name what exists. */
const fresh =
  (standing: Act, make: (house: House, by: Guest) => Promise<Act>): Prepare =>
  async (house, by, isAllowed) =>
    by && isAllowed ? await make(house, by) : standing;
/** The same for what is known only once the house stands. */
const freshOr =
  (standing: (house: House) => string, make: (house: House) => Promise<string>, more: Act = {}): Prepare =>
  async (house, by, isAllowed) => ({ ...more, ids: [by && isAllowed ? await make(house) : standing(house)] });

/** What ends a login is tried with one that may end. An API key has none. */
const ownLogin = (act: (login: { loginId: string }) => Act, ofKey: Act): Prepare =>
  fresh(ofKey, async (house, by) => {
    if (by.holder.startsWith('key ')) return ofKey;
    const spare = await house.spare(by.holder);
    return { ...act(spare), token: spare.token };
  });

const SAME_PASSWORD = { current_password: PASSWORD, new_password: PASSWORD };
const LAMP: Act = { ids: ['lamp'] };
const EDGE: Act = { ids: ['lamp-in-kitchen'] };
const TABLET: Act = { ids: ['kitchen-tablet'] };

const newEntity = async (house: House): Promise<string> => {
  const id = house.unused();
  await house.make('/api/entities', { id, entity_type: 'note', content: { name: id } });
  return id;
};
const newUser = async (house: House, role: string): Promise<string> =>
  (await house.make('/api/users', { username: house.unused(), role }))['user_id'] ?? '';
const newMember = async (house: House): Promise<string> => await newUser(house, 'member');
const newAdmin = async (house: House): Promise<string> => await newUser(house, 'admin');
const newKey = async (house: House): Promise<string> =>
  (await house.make('/api/auth/api-keys', { name: house.unused(), scopes: ['metrics'] }))['id'] ?? '';
/** Of the caller's own: whoever rotates a key is told its secret, and it must end with them. */
const ownKey = async (house: House, { token }: Guest): Promise<string> => {
  const body = { name: 'x', scopes: ['home:read'] };
  const answer = await house.call('/api/auth/api-keys', { method: 'POST', token, body });
  return ((await answer.json()) as { id: string }).id;
};
const newGuestCode = async (house: House): Promise<string> =>
  (await house.make<{ qr_data: { token: string } }>('/api/v1/auth/guest/generate-qr')).qr_data.token;
const newPairingCode = async (house: House): Promise<string> =>
  (await house.make('/api/auth/pairing-codes', { user_id: await newMember(house) }))['code'] ?? '';

const MEMBER = (house: House): string => house.idOf('member');
const ADMIN = (house: House): string => house.standing('spare admin').userId;
const KEY = (house: House): string => house.idOf('key metrics').slice('key:'.length);

const sync =
  (changes: readonly object[]): Prepare =>
  async (_, by) =>
    await Promise.resolve({ body: syncBody(by?.userId ?? 'nobody', changes) });

function syncBody(userId: string, changes: readonly object[]): object {
  return {
    protocol_version: 'inbetweenies-v1.1',
    device_id: `phone of ${userId}`,
    user_id: userId,
    vector_clock: {},
    changes,
  };
}

function syncBodyV2(changes: readonly object[]): object {
  return {
    protocol_version: 'inbetweenies-v2',
    device_id: 'my-client',
    user_id: 'me',
    sync_type: 'full',
    vector_clock: { clocks: {} },
    changes,
  };
}

const CHANGE = {
  change_type: 'create',
  entity_id: 'by-sync',
  entity_version: '2026-01-01T00:00:00.000Z-000001-phone',
  entity_type: 'note',
  content: { name: 'By sync' },
  timestamp: '2026-01-01T00:00:00Z',
  parent_versions: [],
};
const CHANGE_V2 = {
  change_type: 'create',
  entity: {
    id: 'by-sync-2',
    version: '2026-01-01T00:00:00.000Z-x',
    entity_type: 'note',
    name: 'By sync',
    content: {},
    source_type: 'manual',
    user_id: 'me',
    parent_versions: [],
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  },
  relationships: [],
};

/** What differs from a bare request; the document's example is the body where none is named. */
export const ACTS: Readonly<Record<string, Prepare>> = {
  'POST /api/auth/setup': always({ status: 409 }),
  'POST /api/auth/login': always({ body: { username: 'spare member', password: PASSWORD } }),
  'POST /api/auth/refresh': async (house) => ({
    body: { refresh_token: (await house.logIn('spare member')).refresh_token },
  }),
  'POST /api/auth/pair': async (house) => ({
    body: { code: await newPairingCode(house), device_id: house.unused() },
  }),
  'POST /api/v1/auth/admin/login': always({ body: { password: PASSWORD } }),
  'POST /api/v1/auth/guest/verify': async (house) => ({ body: { token: await newGuestCode(house) } }),

  'POST /api/auth/logout': ownLogin(() => ({}), { status: 409 }),
  'PUT /api/auth/password': ownLogin(() => ({ body: SAME_PASSWORD }), { body: SAME_PASSWORD, status: 409 }),
  'DELETE /api/auth/devices/{id}': ownLogin(({ loginId }) => ({ ids: [loginId] }), {
    ids: ['a-login'],
    status: 404,
  }),

  'POST /api/users': async (house) =>
    await Promise.resolve({ body: { username: house.unused(), role: 'member' } }),
  'GET /api/users/{id}': async (house) => await Promise.resolve({ ids: [house.idOf('member')] }),
  'PATCH /api/users/{id}': freshOr(MEMBER, newMember, { body: { grants: ['lock'] } }),
  'DELETE /api/users/{id}': freshOr(MEMBER, newMember),
  'POST /api/auth/api-keys/{id}/rotate': async (house, by, isAllowed) => ({
    ids: [by && isAllowed ? await ownKey(house, by) : KEY(house)],
  }),
  'DELETE /api/auth/api-keys/{id}': freshOr(KEY, newKey),
  'POST /api/auth/pairing-codes': async (house) =>
    await Promise.resolve({ body: { user_id: house.idOf('member') } }),
  'POST /api/v1/auth/guest/revoke': fresh({ query: 'token=AbCdEf12' }, async (house) => ({
    query: `token=${await newGuestCode(house)}`,
  })),

  'GET /api/entities/{id}': always(LAMP),
  'GET /api/entities/{id}/versions': always(LAMP),
  'GET /api/entities/{id}/lineage': always(LAMP),
  'GET /api/entities/{id}/relationships': always(LAMP),
  // Nothing in this home has a state; that it was looked up is enough.
  'GET /api/entities/{id}/state': always({ ...LAMP, status: 404 }),
  'POST /api/entities/{id}/commands': always({ ...LAMP, status: 404 }),
  'GET /api/entities/{id}/readings': always({ ...LAMP, query: 'capability=temperature', status: 404 }),
  // No two tariffs hold on the same day; nothing measures energy here.
  'POST /api/analytics/tariffs': async (house) => {
    const validFrom = new Date(Date.UTC(2100, 0, 1 + Number(/\d+/.exec(house.unused())))).toISOString();
    const validTo = new Date(Date.parse(validFrom) + 86_400_000).toISOString();
    const days = { valid_from: validFrom.slice(0, 10), valid_to: validTo.slice(0, 10) };
    const body = { name: 'One day', currency: 'EUR', price_per_kwh: 0.3, ...days };
    return await Promise.resolve({ body });
  },
  'GET /api/analytics/tariffs/{id}': always({ ids: ['lamp'], status: 404 }),
  'PUT /api/analytics/tariffs/{id}': always({ ids: ['lamp'], status: 404 }),
  'DELETE /api/analytics/tariffs/{id}': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/reports': always({ body: { kind: 'daily' } }),
  'GET /api/analytics/reports/{id}': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/reports/{id}/send': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/energy/corrections': always({ status: 404 }),
  'DELETE /api/analytics/energy/corrections/{id}': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/suggestions/{id}/accept': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/suggestions/{id}/dismiss': always({ ids: ['lamp'], status: 404 }),
  'POST /api/analytics/suggestions/{id}/restore': always({ ids: ['lamp'], status: 404 }),
  'GET /api/entities/{id}/activity': always({ ...LAMP, status: 404 }),
  'GET /api/devices/{id}/explain': always({ ...LAMP, status: 404 }),
  // MQTT is off in this home.
  'GET /api/mqtt/ghosts': always({ status: 409 }),
  'POST /api/mqtt/ghosts/clear': always({ body: { topics: ['a/config'] }, status: 409 }),
  'POST /api/mqtt/sniff': always({ status: 409 }),
  'GET /api/mqtt/users': always({ status: 409 }),
  'POST /api/mqtt/users': always({ status: 409 }),
  'PATCH /api/mqtt/users/{name}': always({ ids: ['lamp'], status: 409 }),
  'DELETE /api/mqtt/users/{name}': always({ ids: ['lamp'], status: 409 }),
  // And so is HomeKit.
  'PATCH /api/homekit/devices/{id}': always({ ...LAMP, status: 409 }),
  'GET /api/automations': always({}),
  'GET /api/automations/{id}': always({ ids: ['lamp'], status: 404 }),
  'GET /api/automations/{id}/runs': always({ ids: ['lamp'], status: 404 }),
  'POST /api/automations/check': always({ body: { content: {} } }),
  'POST /api/automations/{id}/enable': always({ ids: ['lamp'], status: 404 }),
  'POST /api/automations/{id}/disable': always({ ids: ['lamp'], status: 404 }),
  'POST /api/automations/{id}/run': always({ ids: ['lamp'], status: 404 }),
  // HomeKit is off, too.
  'GET /api/homekit/accessories': always({ status: 409 }),
  'POST /api/homekit/accessories/{id}/pair': always({ ids: ['CA:FE:00:00:00:01'], status: 409 }),
  'POST /api/homekit/accessories/{id}/identify': always({ ids: ['CA:FE:00:00:00:01'], status: 409 }),
  'DELETE /api/homekit/accessories/{id}': always({ ids: ['CA:FE:00:00:00:01'], status: 409 }),
  'PUT /api/system/logs/level': always({ body: { level: 'silent', for_seconds: 1 } }),
  'POST /api/system/backups': always({ status: 201 }),
  'GET /api/system/backups/{id}': always({ ids: ['nothing'], status: 404 }),
  'POST /api/system/backups/{id}/verify': always({ ids: ['nothing'], status: 404 }),
  'GET /api/system/backups/{id}/download': always({ ids: ['nothing'], status: 404 }),
  'DELETE /api/system/backups/{id}': always({ ids: ['nothing'], status: 404 }),
  'POST /api/system/jobs/{name}/run': always({ ids: ['audit-cleanup'] }),
  'POST /api/system/jobs/history/{id}/cancel': always({ ids: ['999999999'], status: 404 }),
  'GET /api/relationships/{id}': always(EDGE),
  'GET /api/relationships/{id}/versions': always(EDGE),
  'GET /api/v1/graph/entities/{id}': always(LAMP),
  'GET /api/v1/graph/entities/{id}/versions': always(LAMP),
  'GET /api/v1/graph/entities/{id}/connected': always(LAMP),
  'GET /api/v1/graph/entities/{id}/similar': always(LAMP),

  'PUT /api/entities/{id}': fresh(LAMP, async (house) => ({ ids: [await newEntity(house)] })),
  'PATCH /api/entities/{id}': fresh(LAMP, async (house) => ({ ids: [await newEntity(house)] })),
  'PUT /api/v1/graph/entities/{id}': fresh(LAMP, async (house) => ({ ids: [await newEntity(house)] })),
  'DELETE /api/entities/{id}': fresh(LAMP, async (house) => ({ ids: [await newEntity(house)] })),
  'POST /api/entities/{id}/restore': fresh(LAMP, async (house) => {
    const id = await newEntity(house);
    await house.remove(`/api/entities/${id}`);
    return { ids: [id] };
  }),
  'POST /api/relationships': fresh({}, async (house) => ({
    body: {
      from_entity_id: await newEntity(house),
      to_entity_id: 'lamp',
      relationship_type: 'documented_by',
    },
  })),
  'PATCH /api/relationships/{id}': always(EDGE),
  'DELETE /api/relationships/{id}': fresh(EDGE, async (house) => {
    const id = house.unused();
    const from_entity_id = await newEntity(house);
    const relationship_type = 'documented_by';
    await house.make('/api/relationships', { id, from_entity_id, to_entity_id: 'lamp', relationship_type });
    return { ids: [id] };
  }),
  'POST /api/v1/graph/relationships': fresh({}, async (house) => ({
    body: {
      source_id: await newEntity(house),
      target_id: 'lamp',
      relationship_type: 'documented_by',
      user_id: 'me',
    },
  })),

  'POST /api/sync/inbetweenies': sync([]),
  'GET /api/sync/status/{device_id}': always({ ids: ['my-phone'] }),
  'POST /api/sync/force/{device_id}': always({ ids: ['my-phone'] }),
  'POST /api/sync/conflicts/{conflict_id}/resolve': always({ ids: ['a-conflict'], status: 404 }),
  'POST /api/v1/sync/conflicts/{id}/resolve': always({ ids: ['a-conflict'], status: 404 }),
  'POST /api/v1/sync-metadata': async (house) =>
    await Promise.resolve({ query: `client_id=${house.unused()}&server_url=http://192.168.1.10:8000` }),
  'GET /api/v1/sync-metadata/{client_id}': always(TABLET),
  'GET /api/v1/sync-metadata/{client_id}/status': always(TABLET),
  'DELETE /api/v1/sync-metadata/{client_id}': fresh(TABLET, async (house) => {
    const id = house.unused();
    await house.make(`/api/v1/sync-metadata?client_id=${id}&server_url=http://192.168.1.10:8000`);
    return { ids: [id] };
  }),
  'POST /api/v1/sync-metadata/{client_id}/sync-start': always(TABLET),
  'POST /api/v1/sync-metadata/{client_id}/sync-success': always(TABLET),
  'POST /api/v1/sync-metadata/{client_id}/sync-failure': always(TABLET),

  'POST /api/sync/inbetweenies (with changes)': sync([CHANGE]),
  'POST /api/v1/sync (with changes)': always({ body: syncBodyV2([CHANGE_V2]) }),
  'POST /api/v1/mcp/tools/{name} (one that changes the home)': async (house) =>
    await Promise.resolve({
      ids: ['create_entity'],
      body: { arguments: { entity_type: 'note', name: house.unused() } },
    }),
  'POST /api/users (an admin)': async (house) =>
    await Promise.resolve({ body: { username: house.unused(), role: 'admin' } }),
  'PATCH /api/users/{id} (to an owner)': freshOr(MEMBER, newMember, { body: { role: 'owner' } }),
  'PATCH /api/users/{id} (of an admin)': freshOr(ADMIN, newAdmin, { body: { grants: ['lock'] } }),
  'DELETE /api/users/{id} (of an admin)': freshOr(ADMIN, newAdmin),
  'POST /api/auth/pairing-codes (for an admin)': async (house) =>
    await Promise.resolve({ body: { user_id: ADMIN(house) } }),
  'DELETE /api/auth/devices/{id} (of an admin)': freshOr(
    (house) => house.standing('spare admin').loginId,
    async (house) => (await house.spare('admin')).loginId,
  ),
  'DELETE /api/auth/devices/{id} (of a member)': freshOr(
    (house) => house.standing('spare member').loginId,
    async (house) => (await house.spare('member')).loginId,
  ),
};
