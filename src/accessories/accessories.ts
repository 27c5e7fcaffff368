import type { AccessoriesOptions, AccessoriesPart } from './types.ts';

import { HapDiscovery } from './discovery.ts';
import { Importer } from './importer.ts';

export type { AccessoriesOptions, AccessoriesPart, AccessoryView } from './types.ts';

/**
 * Finds the HomeKit accessories of others, pairs with those that a person wants here, and keeps them among the hub's
 * devices. What is paired is connected from its last address, in the background.
 * @throws SealedError when the key of a pairing was sealed with another passphrase.
 */
export async function startAccessories(options: AccessoriesOptions): Promise<AccessoriesPart> {
  await using stack = new AsyncDisposableStack();
  const { log, clock, isOwn, interfaceAddress } = options;
  const importer = new Importer(options);
  stack.defer(async () => await importer.stop());
  await importer.start();
  if (options.discover) {
    const discovery = HapDiscovery.start({
      log,
      clock,
      isOwn,
      onFound: (found) => importer.onFound(found),
      ...(interfaceAddress === undefined ? {} : { interfaceAddress }),
    });
    importer.lookAt(stack.use(discovery));
  }
  const resources = stack.move();
  return {
    sink: importer,
    list: () => importer.list(),
    pair: async (id, code) => await importer.pair(id, code),
    identify: async (id) => await importer.identify(id),
    remove: async (id, how) => await importer.remove(id, how),
    explain: (componentId) => importer.explain(componentId),
    whyUnavailable: (componentId) => importer.whyUnavailable(componentId),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
