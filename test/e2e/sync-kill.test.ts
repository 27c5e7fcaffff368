import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Acked } from '../sync/convergence/network.ts';

import { buildDaemon, Daemon } from '../support/daemon.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/store.ts';
import { LibraryClient, OldV2Client, PlainV1Client, type TestClient } from '../sync/convergence/clients.ts';
import { ackedOf } from '../sync/convergence/network.ts';

const PASSWORD = 'correct horse battery';
const KILLS = Number(process.env['SYNC_KILLS'] ?? 5);

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await buildDaemon();
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

/** The built hub, which may be killed at any time, and a memory of what it has promised. */
class MortalHub {
  readonly acked: Omit<Acked, 'life'>[] = [];
  daemon: Daemon;
  phone: Phone;

  private constructor(daemon: Daemon, phone: Phone) {
    this.daemon = daemon;
    this.phone = phone;
  }

  static async start(): Promise<MortalHub> {
    const daemon = await startDaemon();
    return new MortalHub(daemon, await Phone.login(daemon.ready.http_url, 'observer', PASSWORD));
  }

  async killAndStart(): Promise<void> {
    await this.daemon.kill();
    this.daemon = await startDaemon();
    this.phone = await Phone.login(this.daemon.ready.http_url, 'observer', PASSWORD);
  }

  async exchange(_: string, body: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    const isV2 = body['protocol_version'] === 'inbetweenies-v2';
    const path = isV2 ? '/api/v1/sync/' : '/api/sync/inbetweenies';
    const answer = await this.phone.call<Record<string, unknown>>('POST', path, body);
    this.acked.push(...ackedOf(body, answer));
    return answer;
  }
}

async function startDaemon(): Promise<Daemon> {
  return await Daemon.start({
    dataDir: folder.path,
    env: {
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
      FUNKYGIBBON_MQTT__MODE: 'off',
      FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    },
  });
}

test('kill -9 in the middle of syncs: nothing that was acked is missing, and everybody ends with the same home', async () => {
  const hub = await MortalHub.start();
  const setting = (name: string) => ({
    network: hub,
    name,
    user: hub.phone.userId,
    nowMs: () => Date.now(),
  });
  const clients: TestClient[] = [
    await LibraryClient.open(setting('library-1')),
    await LibraryClient.open(setting('library-2')),
    new PlainV1Client(setting('plain')),
    new OldV2Client(setting('old'), false),
    new OldV2Client(setting('shouting'), true),
  ];
  try {
    for (let round = 0; round < KILLS; round++) {
      for (const [index, client] of clients.entries()) {
        for (let thing = 0; thing < 12; thing++) {
          await client.create(`thing-${thing}`, 'room', { name: `Thing ${thing}` });
          await client.update(`thing-${thing}`, { [`k${(thing + index) % 5}`]: `${round}.${index}` });
        }
        await client.create(`own-${index}-${round}`, 'note', { name: 'note' });
        await client.delete(`own-${(index + 1) % clients.length}-${round - 1}`);
      }
      const syncing = Promise.allSettled(clients.map(async (client) => await client.sync()));
      // The moment of the kill wanders over the syncs: none of them has begun, or all are done.
      await pause((round * 7) % 30);
      await hub.killAndStart();
      await syncing;
    }
    for (let round = 0; round < 6; round++) for (const client of clients) await client.sync();

    const [first, ...others] = await Promise.all(clients.map(async (client) => await client.state()));
    expect(first?.size).toBeGreaterThan(20);
    for (const state of others) expect(state).toEqual(first);
    expect(hub.acked.length).toBeGreaterThan(100);
    for (const { id, version, isDelete } of hub.acked) {
      if (isDelete) continue;
      const held = await hub.phone.call<{ items: { version: string }[] }>(
        'GET',
        `/api/entities/${id}/versions?limit=500`,
      );
      expect(held.items.map((row) => row.version)).toContain(version);
    }
  } finally {
    await hub.daemon.stop();
  }
}, 120_000);
