import { afterEach, beforeEach, expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, principal, TestPhone, type SyncHome } from './sync-home.ts';

/*
 * What goes over the wire, letter by letter: a client of years ago must understand the hub of tomorrow. A shape that
 * changes fails here; adding a field is a decision, and a line in these snapshots.
 */

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A home in which one phone has made, changed and lost something of each kind. @returns the answer to the last push. */
async function exchange(protocol: string): Promise<unknown> {
  const first = new TestPhone(home, 'phone-1', { protocol: 'inbetweenies-v1.1' });
  const second = new TestPhone(home, 'phone-2', { protocol });
  const lamp = first.create('lamp', { name: 'Lamp', power: 9 }, 'device');
  const hall = first.create('hall', { name: 'Hall' });
  const gone = first.create('gone', { name: 'Gone' });
  await first.sync([lamp, hall, gone, first.update(lamp, { power: 11 }), first.delete(gone)], {
    relationship_changes: [first.edge('lamp-in-hall', 'lamp', 'hall')],
  });
  return await second.sync(
    [
      second.create('attic', { name: 'Attic' }),
      second.update(lamp, { power: 12 }),
      second.create('nameless', {}, 'device'),
    ],
    { relationship_changes: [second.edge('lamp-in-cellar', 'lamp', 'cellar')] },
  );
}

/** The text of an answer with what differs from run to run masked. */
function masked(answer: unknown): string {
  return JSON.stringify(answer, null, 1)
    .replaceAll(/-[0-9a-f]{12}-[0-9a-f]{8}-(\d+)"/g, '-EPOCH-VIEW-$1"')
    .replaceAll(/"next_sync_token": "[\w-]+"/g, '"next_sync_token": "TOKEN"')
    .replaceAll(/"conflict_id": "[\w-]{22}"/g, '"conflict_id": "CONFLICT"');
}

test('inbetweenies-v1', async () => {
  expect(masked(await exchange('inbetweenies-v1'))).toMatchInlineSnapshot(`
    "{
     "changes": [
      {
       "change_type": "create",
       "entity_id": "hall",
       "entity_version": "v2-phone-1",
       "entity_type": "room",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": {
        "name": "Hall"
       }
      },
      {
       "change_type": "update",
       "entity_id": "lamp",
       "entity_version": "v4-phone-1",
       "entity_type": "device",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [
        "v1-phone-1"
       ],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": {
        "name": "Lamp",
        "power": 11
       }
      },
      {
       "change_type": "delete",
       "entity_id": "gone",
       "entity_version": "v5-phone-1",
       "entity_type": "room",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [
        "v3-phone-1"
       ],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": null
      }
     ],
     "vector_clock": {
      "phone-1": "v5-phone-1",
      "phone-2": "v1-phone-2",
      "server": "2026-01-01T00:00:00.000Z-EPOCH-VIEW-8"
     },
     "conflicts": [
      "lamp"
     ],
     "next_sync_token": "TOKEN",
     "server_time": "2026-01-01T00:00:00.000Z",
     "protocol_version": "inbetweenies-v1",
     "applied": [
      "v1-phone-2"
     ],
     "rejected": [
      {
       "entity_id": "nameless",
       "entity_version": "v3-phone-2",
       "code": "VALIDATION_ERROR",
       "message": "a device needs a name: content.name must be a text that is not empty"
      }
     ],
     "has_more": false,
     "sync_status": "partial",
     "resync": false,
     "digest": null
    }"
  `);
});

test('inbetweenies-v1.1', async () => {
  expect(masked(await exchange('inbetweenies-v1.1'))).toMatchInlineSnapshot(`
    "{
     "changes": [
      {
       "change_type": "create",
       "entity_id": "hall",
       "entity_version": "v2-phone-1",
       "entity_type": "room",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": {
        "name": "Hall"
       }
      },
      {
       "change_type": "update",
       "entity_id": "lamp",
       "entity_version": "v4-phone-1",
       "entity_type": "device",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [
        "v1-phone-1"
       ],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": {
        "name": "Lamp",
        "power": 11
       }
      },
      {
       "change_type": "delete",
       "entity_id": "gone",
       "entity_version": "v5-phone-1",
       "entity_type": "room",
       "timestamp": "2026-01-01T00:00:00.000Z",
       "parent_versions": [
        "v3-phone-1"
       ],
       "user_id": "anna",
       "device_id": "phone-1",
       "content": null
      }
     ],
     "relationship_changes": [
      {
       "change_type": "create",
       "relationship_id": "lamp-in-hall",
       "relationship_version": "e6-phone-1",
       "parent_versions": [],
       "from_entity_id": "lamp",
       "to_entity_id": "hall",
       "relationship_type": "located_in",
       "valid_from": "2026-01-01T00:00:00.000Z",
       "valid_to": null,
       "timestamp": "2026-01-01T00:00:00.000Z",
       "user_id": "anna",
       "device_id": "phone-1",
       "properties": {}
      }
     ],
     "vector_clock": {
      "phone-1": "v5-phone-1",
      "phone-2": "v1-phone-2",
      "server": "2026-01-01T00:00:00.000Z-EPOCH-VIEW-8"
     },
     "conflicts": [
      {
       "conflict_id": "CONFLICT",
       "entity_id": "lamp",
       "conflict_type": "version_conflict",
       "local_version": "v4-phone-1",
       "remote_version": "v2-phone-2",
       "resolution_hint": "keep_local",
       "conflict_details": {
        "conflicting_fields": [
         "power"
        ],
        "local_values": {
         "power": 12
        },
        "server_values": {
         "power": 11
        },
        "suggested_merge": {
         "name": "Lamp",
         "power": 11
        }
       }
      }
     ],
     "next_sync_token": "TOKEN",
     "server_time": "2026-01-01T00:00:00.000Z",
     "protocol_version": "inbetweenies-v1.1",
     "applied": [
      "v1-phone-2"
     ],
     "rejected": [
      {
       "entity_id": "nameless",
       "entity_version": "v3-phone-2",
       "code": "VALIDATION_ERROR",
       "message": "a device needs a name: content.name must be a text that is not empty"
      }
     ],
     "applied_relationships": [],
     "rejected_relationships": [
      {
       "relationship_id": "lamp-in-cellar",
       "relationship_version": "e4-phone-2",
       "code": "UNKNOWN_ENDPOINT",
       "message": "there is no entity cellar"
      }
     ],
     "has_more": false,
     "sync_status": "partial",
     "resync": false,
     "digest": null
    }"
  `);
});

test('the answer to a client that has everything', async () => {
  await exchange('inbetweenies-v1.1');
  const third = new TestPhone(home, 'phone-3', { protocol: 'inbetweenies-v1.1' });
  await third.pullAll();
  expect(masked(await third.sync())).toMatchInlineSnapshot(`
    "{
     "changes": [],
     "relationship_changes": [],
     "vector_clock": {
      "phone-1": "v5-phone-1",
      "phone-2": "v1-phone-2",
      "server": "2026-01-01T00:00:00.000Z-EPOCH-VIEW-8"
     },
     "conflicts": [],
     "next_sync_token": "TOKEN",
     "server_time": "2026-01-01T00:00:00.000Z",
     "protocol_version": "inbetweenies-v1.1",
     "applied": [],
     "rejected": [],
     "applied_relationships": [],
     "rejected_relationships": [],
     "has_more": false,
     "sync_status": "success",
     "resync": false,
     "digest": "56ba753341fe40a67d581edd02993803579a02498a5cddf442b777ee7255fd24"
    }"
  `);
});

test('inbetweenies-v2', async () => {
  await exchange('inbetweenies-v1.1');
  let text = '';
  const body = {
    protocol_version: 'inbetweenies-v2',
    device_id: 'old',
    user_id: 'client-user',
    sync_type: 'delta',
    vector_clock: { clocks: {} },
    changes: [
      {
        change_type: 'update',
        entity: {
          id: 'lamp',
          version: 'v-1700000000000',
          entity_type: 'DEVICE',
          name: 'Lamp',
          content: { power: 1 },
          source_type: 'MANUAL',
          user_id: 'client-user',
          parent_versions: [],
        },
        relationships: [],
      },
    ],
  };
  for await (const chunk of await home.sync.v2.exchange(principal(), body)) text += chunk;
  expect(masked(JSON.parse(text)).replaceAll(/"duration_ms": [\d.]+/g, '"duration_ms": 0'))
    .toMatchInlineSnapshot(`
    "{
     "protocol_version": "inbetweenies-v2",
     "sync_type": "delta",
     "changes": [
      {
       "change_type": "update",
       "entity": {
        "checksum": null,
        "id": "hall",
        "version": "v2-phone-1",
        "entity_type": "room",
        "name": "Hall",
        "source_type": "manual",
        "user_id": "anna",
        "parent_versions": [],
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000001+00:00",
        "content": {
         "name": "Hall"
        }
       },
       "relationships": []
      },
      {
       "change_type": "update",
       "entity": {
        "checksum": null,
        "id": "lamp",
        "version": "v4-phone-1",
        "entity_type": "device",
        "name": "Lamp",
        "source_type": "manual",
        "user_id": "anna",
        "parent_versions": [
         "v1-phone-1"
        ],
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000003+00:00",
        "content": {
         "name": "Lamp",
         "power": 11
        }
       },
       "relationships": [
        {
         "id": "lamp-in-hall",
         "from_entity_id": "lamp",
         "from_entity_version": "v4-phone-1",
         "to_entity_id": "hall",
         "to_entity_version": "v2-phone-1",
         "relationship_type": "located_in",
         "user_id": "anna",
         "created_at": "2026-01-01T00:00:00.000000+00:00",
         "updated_at": "2026-01-01T00:00:00.000005+00:00",
         "properties": {}
        }
       ]
      },
      {
       "change_type": "delete",
       "entity": {
        "checksum": null,
        "id": "gone",
        "version": "v5-phone-1",
        "entity_type": "room",
        "name": "Gone",
        "source_type": "manual",
        "user_id": "anna",
        "parent_versions": [
         "v3-phone-1"
        ],
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000004+00:00",
        "content": {
         "name": "Gone",
         "deleted": true
        }
       },
       "relationships": []
      },
      {
       "change_type": "update",
       "entity": {
        "checksum": null,
        "id": "attic",
        "version": "v1-phone-2",
        "entity_type": "room",
        "name": "Attic",
        "source_type": "manual",
        "user_id": "anna",
        "parent_versions": [],
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000006+00:00",
        "content": {
         "name": "Attic"
        }
       },
       "relationships": []
      }
     ],
     "conflicts": [
      {
       "entity_id": "lamp",
       "local_version": "v4-phone-1",
       "remote_version": "v-1700000000000",
       "resolution_strategy": "timestamps within 1s, local has greater version",
       "resolved_version": "v4-phone-1"
      }
     ],
     "vector_clock": {
      "clocks": {}
     },
     "cursor": null,
     "state_digest": "da6e00b7000a1e7d234a13ef361f9d5f8fc9661736cb3ec6514164e4497bc573",
     "sync_stats": {
      "entities_synced": 1,
      "relationships_synced": 0,
      "conflicts_resolved": 1,
      "duration_ms": 0
     },
     "server_time": "2026-01-01T00:00:00.000008+00:00",
     "applied": [
      "lamp"
     ],
     "applied_relationships": []
    }"
  `);
});
