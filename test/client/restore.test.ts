import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';
import { clientOf, FaultyNetwork, startHubFor } from './support.ts';

/** Says that the data is another life of the graph, as a restore does. */
function makeAnotherEpoch(folder: string): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.db'));
  const db = new DatabaseSync(join(folder, String(file)));
  db.prepare('UPDATE kept_value SET value = ? WHERE name = ?').run('abcdefabcdef', 'graph_epoch');
  db.close();
}

for (const pushesFirst of [false, true]) {
  const when = pushesFirst ? 'is in the middle of pushing' : 'was away';
  test(`the hub comes back from an old backup: acked edits return from a phone that ${when}`, async () => {
    using folder = temporaryFolder();
    using backup = temporaryFolder();
    const network = new FaultyNetwork();
    let nowMs = Date.now();
    const environment = { fetch: network.fetch, nowMs: () => nowMs };
    const url = 'http://hub.test';
    const first = await startHubFor(folder.path);
    network.target = first.ready.http_url;
    await using anna = await clientOf(url, { environment });
    const create = async (text: string): Promise<string> =>
      (await anna.home.createEntity({ entityType: 'note', content: { text, n: 1 } })).id;
    const kept = await create('kept');
    const edited = await create('edited');
    const deleted = await create('deleted');
    const bens = await create('for ben');
    const shrunk = await create('shrunk');
    const shrunkBoth = await create('shrunk, and edited by ben');
    const coloured = await create('coloured');
    await anna.sync();
    await first[Symbol.asyncDispose]();

    cpSync(folder.path, backup.path, { recursive: true });
    const second = await startHubFor(folder.path);
    network.target = second.ready.http_url;
    await anna.home.updateEntity(edited, { text: 'acked' });
    await anna.home.updateEntity(coloured, { text: 'acked' });
    await anna.home.deleteEntity(deleted);
    for (const id of [shrunk, shrunkBoth]) {
      const body = { content: { text: 'without n' } };
      await anna.call({ method: 'PUT', path: `/api/entities/${id}`, body });
    }
    const added = await create('added');
    await anna.home.createRelationship({
      id: 'edge',
      fromEntityId: added,
      toEntityId: kept,
      relationshipType: 'part_of',
    });
    expect(await anna.sync()).toMatchObject({ applied: 5 });
    await second[Symbol.asyncDispose]();

    makeAnotherEpoch(backup.path);
    await using third = await startHubFor(backup.path);
    network.target = third.ready.http_url;
    await using ben = await clientOf(third.ready.http_url);
    await ben.sync();
    await ben.home.updateEntity(bens, { text: "Ben's" });
    await ben.home.updateEntity(shrunkBoth, { by: 'ben' });
    await ben.sync();

    // Made offline, on top of what the hub has lost.
    await anna.home.updateEntity(edited, { n: 2 });
    await anna.home.updateEntity(added, { n: 2 });
    // The hub can take this one without what it was made from.
    await anna.home.updateEntity(coloured, { colour: 'red' });
    if (!pushesFirst) nowMs += 60_000;
    const sent = network.bodies.length;
    const { resynced, reports } = await anna.sync();
    expect(resynced).toBe(true);
    expect(network.bodies[sent]?.changes.length).toBe(pushesFirst ? 3 : 0);
    if (!pushesFirst) expect(reports).toEqual([]);
    expect(await anna.home.pending()).toEqual([]);
    nowMs += 1000;
    expect(await anna.sync()).toMatchObject({ digest: 'match', pulled: 0 });

    await ben.sync();
    const isReported = (id: string): boolean => reports.some((report) => report.id === id);
    for (const { home } of [anna, ben]) {
      expect(await home.entity(kept)).toMatchObject({ content: { text: 'kept' } });
      // The offline edits hold, or are conflicts that people are told of.
      const n = (id: string): number => (isReported(id) ? 1 : 2);
      expect(await home.entity(edited)).toMatchObject({ content: { text: 'acked', n: n(edited) } });
      expect(await home.entity(added)).toMatchObject({ content: { text: 'added', n: n(added) } });
      expect((await home.entity(coloured))?.content).toEqual({ text: 'acked', n: 1, colour: 'red' });
      expect((await home.entity(shrunk))?.content).toEqual({ text: 'without n' });
      expect((await home.entity(shrunkBoth))?.content).toEqual({ text: 'without n', by: 'ben' });
      expect(await home.entity(deleted)).toMatchObject({ deleted: true });
      expect(await home.entity(bens)).toMatchObject({ content: { text: "Ben's" } });
      expect(await home.relationship('edge')).toMatchObject({ validTo: null });
    }
  });
}
