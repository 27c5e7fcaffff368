import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HubError } from '../../../src/base/errors.ts';
import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, type SyncHome } from '../sync-home.ts';
import { entity, ids, served, TestClient, versionAt } from './client.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  // So that what the tests push lies in the past.
  home.clock.advance(3_600_000);
  client = new TestClient(home);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const first = entity('kitchen', versionAt(0));
const TOO_LATE = 'local has newer timestamp';

function history(id: string): string[] {
  return home.graph.versions(id).map(({ version }) => version);
}

describe('4.2 versions', () => {
  test('V3, V5: any text that is not empty is a version and comes back as it went in', async () => {
    const odd = ['v-1719000000000', '2026-01-01T00:00:00+00:00Z-user', 'ü 🙂 "quoted"', 'x'.repeat(256)];
    const answer = await client.push(odd.map((version, index) => entity(`e${index}`, version)));
    expect(answer.changes.map((change) => change.entity.version)).toEqual(odd);
  });

  test.each(['', 'x'.repeat(257), 'a\u0000b', '\ud800'])(
    'R3: the version %j is refused by name and nothing is stored',
    async (version) => {
      const bad = client.push([first, entity('cellar', version)]);
      await expect(bad).rejects.toThrow(/changes\.1\.entity\.version \(cellar\)/);
      expect(home.graph.headSeq).toBe(0);
    },
  );

  test('V6: the same pair again is a no-op, even with another content', async () => {
    await client.push([first]);
    const seq = home.graph.committedSeq;
    const again = await client.push([{ ...first, name: 'Other', content: { other: true } }]);
    expect(again).toMatchObject({ applied: ['kitchen'], conflicts: [] });
    expect(home.graph.committedSeq).toBe(seq);
    expect(served(again, 'kitchen')?.entity.name).toBe('KITCHEN');
  });
});

describe('4.3 create and update', () => {
  test('A1: an unknown id is current at once, whatever the change calls itself and names as parents', async () => {
    const answer = await client.push([entity('kitchen', versionAt(0), { parent_versions: ['gone'] })]);
    expect(answer).toMatchObject({ applied: ['kitchen'], conflicts: [] });
    expect(home.graph.latest('kitchen')).toMatchObject({ changeType: 'create', parentVersions: ['gone'] });
  });

  test('A3: the current version among the parents is a fast-forward, even with an older time', async () => {
    await client.push([entity('kitchen', versionAt(100))]);
    const older = entity('kitchen', versionAt(5), { parent_versions: [versionAt(100)], name: 'Galley' });
    const answer = await client.push([older]);
    expect(answer.conflicts).toEqual([]);
    expect(served(answer, 'kitchen')?.entity).toMatchObject({ version: versionAt(5), name: 'Galley' });
  });

  test('A4, A6: without parents the later wins, and its stored parent is what it superseded', async () => {
    await client.push([first]);
    const answer = await client.push([entity('kitchen', versionAt(100))]);
    expect(answer.applied).toEqual(['kitchen']);
    expect(answer.conflicts).toEqual([
      {
        entity_id: 'kitchen',
        local_version: versionAt(0),
        remote_version: versionAt(100),
        resolution_strategy: 'remote has newer timestamp',
        resolved_version: versionAt(100),
      },
    ]);
    expect(served(answer, 'kitchen')?.entity.parent_versions).toEqual([versionAt(0)]);
  });

  test('A5, A7, C9: what loses is stored, acked and reported, and the winner comes along', async () => {
    await client.push([entity('kitchen', versionAt(100))]);
    const { server_time: since } = await client.pull();
    const loser = entity('kitchen', versionAt(50), { parent_versions: ['stale'], content: { mine: 1 } });
    const answer = await client.push([loser], { filters: { since } });
    expect(answer).toMatchObject({
      applied: ['kitchen'],
      conflicts: [{ resolution_strategy: TOO_LATE, resolved_version: versionAt(100) }],
      sync_stats: { conflicts_resolved: 1 },
    });
    expect(answer.changes.map((change) => change.entity.version)).toEqual([versionAt(100)]);
    const held = home.graph.version('kitchen', versionAt(50));
    expect(held).toMatchObject({ heldAs: 'loser', parentVersions: ['stale'] });
    expect(held?.contentJson).toBe('{"mine":1,"name":"KITCHEN"}');
  });

  test('A8: a superseded version that is sent again is reported again and stored once', async () => {
    await client.push([first, entity('kitchen', versionAt(100), { parent_versions: [first.version] })]);
    await client.push([entity('kitchen', versionAt(50))]);
    const seq = home.graph.committedSeq;
    for (const version of [versionAt(0), versionAt(50)]) {
      const again = await client.push([entity('kitchen', version)]);
      expect(again).toMatchObject({
        applied: ['kitchen'],
        conflicts: [{ remote_version: version, resolved_version: versionAt(100) }],
      });
    }
    expect(home.graph.committedSeq).toBe(seq);
  });

  test('A9: a stored row that names the current one as its parent is a no-op', async () => {
    await client.push([first, entity('kitchen', versionAt(100), { parent_versions: [first.version] })]);
    const again = await client.push([{ ...first, parent_versions: [versionAt(100)] }]);
    expect(again).toMatchObject({ applied: ['kitchen'], conflicts: [] });
    expect(history('kitchen')).toHaveLength(2);
  });

  test('A10: a tombstone that is named as the parent is revived', async () => {
    await client.push([first]);
    await client.delete(entity('kitchen', versionAt(10), { parent_versions: [first.version] }));
    const answer = await client.push([
      entity('kitchen', versionAt(20), { parent_versions: [versionAt(10)] }),
    ]);
    expect(answer.conflicts).toEqual([]);
    expect(served(answer, 'kitchen')?.change_type).toBe('update');
  });

  test('A11, D7: changes without an entity are taken and acknowledge nothing', async () => {
    const changes = [
      { change_type: 'delete', relationships: [] },
      { change_type: 'update', entity: null },
      { change_type: 'update', entity: { id: '', version: 'v-1', entity_type: 'note', name: '' } },
    ];
    const answer = await client.send(client.body({ changes }));
    expect(answer).toMatchObject({ applied: [], changes: [], sync_stats: { entities_synced: 0 } });
  });
});

describe('4.4 the conflict rule', () => {
  test.each([
    ['C3', 'v-1', 'v-2', true, 'timestamps within 1s, remote has greater version'],
    ['C3', 'v-2', 'v-1', false, 'timestamps within 1s, local has greater version'],
    ['C3', versionAt(10.5), versionAt(11), true, 'timestamps within 1s, remote has greater version'],
    [
      'C3, by code point',
      'v-\ud83d\ude00',
      'v-\uff5e',
      false,
      'timestamps within 1s, local has greater version',
    ],
    ['C4', versionAt(10), versionAt(11), true, 'remote has newer timestamp'],
    ['C4', versionAt(11), versionAt(10), false, 'local has newer timestamp'],
    [
      'C1, KittenKong over a canonical one',
      versionAt(10),
      'v-1',
      true,
      'timestamps within 1s, remote has greater version',
    ],
    ['C1, a canonical one long after KittenKong', 'v-1', versionAt(3700), true, 'remote has newer timestamp'],
    [
      'C7, a clock in 2099',
      '2099-01-01T00:00:00.000000+00:00-000000-x',
      versionAt(3610),
      true,
      'remote has newer timestamp',
    ],
  ])('%s: %s meets %s', async (_, local, remote, wins, strategy) => {
    await client.push([entity('kitchen', local)]);
    home.clock.advance(60_000);
    const { conflicts } = await client.push([entity('kitchen', remote)]);
    expect(conflicts).toEqual([
      {
        entity_id: 'kitchen',
        local_version: local,
        remote_version: remote,
        resolution_strategy: strategy,
        resolved_version: wins ? remote : local,
      },
    ]);
    expect(home.graph.latest('kitchen')?.version).toBe(wins ? remote : local);
  });

  test('C2: an edit made later wins over one that the hub received later', async () => {
    await client.push([entity('kitchen', versionAt(10))]);
    const answer = await client.push([entity('kitchen', versionAt(20))]);
    expect(answer.conflicts[0]?.resolution_strategy).toBe('remote has newer timestamp');
  });
});

describe('4.5 deletes', () => {
  test('D1, D4, D8: a tombstone is served with what was there, and history stays', async () => {
    await client.push([entity('kitchen', versionAt(0), { content: { floor: 2 } })]);
    const answer = await client.delete(entity('kitchen', versionAt(10)));
    expect(answer.applied).toEqual(['kitchen']);
    expect(served(answer, 'kitchen')).toMatchObject({
      change_type: 'delete',
      entity: {
        name: 'KITCHEN',
        content: { floor: 2, name: 'KITCHEN', deleted: true },
        version: versionAt(10),
        parent_versions: [versionAt(0)],
      },
    });
    expect(home.graph.entity('kitchen')).toBeUndefined();
    expect(history('kitchen')).toHaveLength(2);
  });

  test('D2, D3: deleting what is not there is done already', async () => {
    const unknown = await client.delete(entity('nowhere', versionAt(0)));
    expect(unknown).toMatchObject({ applied: ['nowhere'], changes: [] });
    await client.push([first]);
    await client.delete(entity('kitchen', versionAt(10)));
    const seq = home.graph.committedSeq;
    const again = await client.delete(entity('kitchen', versionAt(20)));
    expect(again.applied).toEqual(['kitchen']);
    expect(home.graph.committedSeq).toBe(seq);
  });

  test('D5: a delete that is older than the current version loses, is kept and told', async () => {
    await client.push([entity('kitchen', versionAt(100))]);
    const answer = await client.delete(entity('kitchen', versionAt(10), { parent_versions: ['stale'] }));
    expect(answer).toMatchObject({ applied: ['kitchen'], conflicts: [{ resolution_strategy: TOO_LATE }] });
    expect(served(answer, 'kitchen')?.change_type).toBe('update');
    expect(home.graph.version('kitchen', versionAt(10))?.heldAs).toBe('loser');
  });

  test('D6: a delete that names the current version deletes, under a version of the hub; once', async () => {
    await client.push([first]);
    const answer = await client.delete(first);
    expect(served(answer, 'kitchen')).toMatchObject({
      change_type: 'delete',
      entity: { parent_versions: [first.version], user_id: 'anna' },
    });
    await client.delete(first);
    expect(history('kitchen')).toHaveLength(2);
  });

  test('a delete that names an older version does not take the newer one with it', async () => {
    await client.push([first, entity('kitchen', versionAt(100), { parent_versions: [first.version] })]);
    const answer = await client.delete(first);
    expect(answer).toMatchObject({ applied: ['kitchen'], conflicts: [{ resolved_version: versionAt(100) }] });
    expect(home.graph.entity('kitchen')).toBeDefined();
  });
});

describe('4.7 atomicity and acknowledgements', () => {
  test('K1: a bad change anywhere leaves nothing behind, and is named', async () => {
    const bad = entity('cellar', versionAt(1), { content: { text: 'x'.repeat(300_000) } });
    const push = client.push([first, bad, entity('attic', versionAt(2))]);
    await expect(push).rejects.toThrow(/changes\.1 \(cellar\)/);
    expect(home.graph.headSeq).toBe(0);
  });

  test('K2, K3, K4: each id is acked once, and no row is younger than server_time', async () => {
    const second = entity('kitchen', versionAt(1), { parent_versions: [first.version] });
    const answer = await client.push([first, entity('hall', versionAt(0)), second]);
    expect(answer.applied).toEqual(['kitchen', 'hall']);
    expect(answer.sync_stats).toMatchObject({ entities_synced: 2, relationships_synced: 0 });
    for (const change of answer.changes) {
      expect(String(change.entity.updated_at) <= answer.server_time).toBe(true);
    }
  });

  test('K6: a push is answered with what was pushed whatever else the filters leave out', async () => {
    await client.push([first, entity('lamp', versionAt(0), { entity_type: 'device' })]);
    const { server_time: since } = await client.pull();
    const filters = { since, entity_types: ['device'], modified_by: ['nobody'] };
    const answer = await client.push([first, entity('hall', versionAt(0))], { filters });
    expect(ids(answer)).toEqual(['kitchen', 'hall']);
  });

  test('guests may pull and not push', async () => {
    const guest = new TestClient(home, 'guest', 'guest');
    await expect(guest.push([first])).rejects.toMatchObject({ kind: 'forbidden' });
    expect((await guest.pull()).changes).toEqual([]);
  });

  test('ten thousand changes are one transaction, more are refused', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => entity(`e${i}`, versionAt(i)));
    const commits = home.store.counters.commits;
    const answer = await client.push(many);
    expect(answer.applied).toHaveLength(10_000);
    expect(answer.changes).toHaveLength(10_000);
    expect(home.store.counters.commits).toBe(commits + 1);
    const error: unknown = await client.push([...many, first]).catch((thrown: unknown) => thrown);
    expect(error instanceof HubError && error.kind).toBe('too_large');
  });

  test('what was written between reading ahead and the transaction is seen', async () => {
    const others = new TestClient(home, 'client-2');
    await client.push([first]);
    const child = entity('kitchen', versionAt(10), { parent_versions: [first.version] });
    const rival = entity('kitchen', versionAt(20), { parent_versions: [first.version] });
    const [one, two] = await Promise.all([client.push([child]), others.push([rival])]);
    expect([...one.conflicts, ...two.conflicts]).toHaveLength(1);
    expect(home.graph.latest('kitchen')?.version).toBe(versionAt(20));
  });
});
