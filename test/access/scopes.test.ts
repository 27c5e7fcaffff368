import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Principal } from '../../src/access/types.ts';

import { refuseBeyondRooms } from '../../src/access/errors.ts';
import { FROM, openAccessHome, type AccessHome } from './home.ts';

let home: AccessHome;
beforeEach(async () => {
  home = await openAccessHome();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function principalOf(username: string): Promise<Principal> {
  return await home.access.verify((await home.login(username)).accessToken);
}

describe('somebody who is limited to rooms', () => {
  test('is so by every token, from the very next look at it', async () => {
    const owner = await home.actor();
    const id = await home.user({ username: 'ben', role: 'member', rooms: ['nursery', 'attic', 'attic'] });
    expect(home.access.users.get(id).rooms).toEqual(['attic', 'nursery']);
    const { accessToken } = await home.login('ben');
    expect(await home.access.verify(accessToken)).toMatchObject({ rooms: ['attic', 'nursery'] });

    await home.access.users.change(id, { rooms: [] }, owner);
    expect(await home.access.verify(accessToken)).toMatchObject({ rooms: [] });
    await home.access.users.change(id, { username: 'benno' }, owner);
    expect(await home.access.verify(accessToken)).toMatchObject({ username: 'benno', rooms: [] });
    await home.access.users.change(id, { rooms: null }, owner);
    expect(await home.access.verify(accessToken)).not.toHaveProperty('rooms');
    expect(home.access.users.get(id)).not.toHaveProperty('rooms');
  });

  test('takes the limit along to a phone that is paired', async () => {
    const owner = await home.actor();
    const userId = await home.user({ username: 'ben', role: 'member', rooms: ['attic'] });
    const { code } = await home.access.pairing.makeCode({ userId }, owner);
    const tokens = await home.access.pairing.pair({ code, deviceId: 'phone', ...FROM });
    expect(await home.access.verify(tokens.accessToken)).toMatchObject({ rooms: ['attic'] });
  });

  test('is a member or a guest, and nobody else', async () => {
    const owner = await home.actor();
    for (const role of ['owner', 'admin', 'service'] as const) {
      await expect(
        home.access.users.create({ username: role, role, rooms: ['attic'] }, owner),
      ).rejects.toMatchObject({ kind: 'invalid', field: 'rooms' });
    }
    const id = await home.user({ username: 'ben', role: 'member', rooms: ['attic'] });
    await expect(
      home.access.users.change(id, { role: 'admin', rooms: ['attic'] }, owner),
    ).rejects.toMatchObject({ kind: 'invalid', field: 'rooms' });
    expect(home.access.users.get(id)).toMatchObject({ role: 'member', rooms: ['attic'] });

    await home.access.users.change(id, { role: 'admin' }, owner);
    expect(await principalOf('ben')).not.toHaveProperty('rooms');
    await home.access.users.change(id, { role: 'member' }, owner);
    expect(await principalOf('ben'), 'the limit does not come back by itself').not.toHaveProperty('rooms');
  });

  test('is told of, before and after, in the audit log, and to whoever follows', async () => {
    const owner = await home.actor();
    const id = await home.user({ username: 'ben', role: 'member' });
    const changed: string[] = [];
    using _following = home.access.users.follow((userId) => changed.push(userId));
    await home.access.users.change(id, { rooms: ['attic'] }, owner);
    expect(changed).toEqual([id]);
    const rows = home.store.db.all<{ details: string }>(
      "SELECT details FROM access_audit WHERE action = 'user.change'",
    );
    expect(rows.map(({ details }) => JSON.parse(details) as unknown)).toEqual([{ rooms: [null, ['attic']] }]);
  });

  test('gets nowhere that does not say that it keeps to the rooms', () => {
    expect(() => refuseBeyondRooms({}, false)).not.toThrow();
    expect(() => refuseBeyondRooms({ rooms: [] }, true)).not.toThrow();
    expect(() => refuseBeyondRooms({ rooms: [] }, false)).toThrow('your account is limited to some rooms');
  });
});
