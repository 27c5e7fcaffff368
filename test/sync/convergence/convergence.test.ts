import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../../support/store.ts';
import { actions, CLIENT_KINDS, hubDigest, World } from './world.ts';

test('whatever happens, everybody ends with the same home and no acked edit is missing', async () => {
  const kinds = fc.array(fc.constantFrom(...CLIENT_KINDS), { minLength: 3, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(kinds, actions, async (clients, script) => {
      using folder = temporaryFolder();
      await using world = await World.open(folder.path, clients);
      for (const action of script) await world.run(action);
      await world.settle();
      expect(await world.faults()).toEqual([]);
      const digest = await hubDigest(world.home);
      for (const client of world.clients) {
        const state = [...(await client.state())].toSorted(([a], [b]) => (a < b ? -1 : 1));
        const text = state.map(([id, { version }]) => `${id}\u001f${version}\u001e`).join('');
        expect(createHash('sha256').update(text).digest('hex')).toBe(digest);
      }
    }),
    { numRuns: Number(process.env['CONVERGENCE_RUNS'] ?? 60) },
  );
}, 280_000);
