import type { HomekitOptions, HomekitPart } from './types.ts';

import { BridgedDevices } from './bridged-devices.ts';
import { Bridges } from './bridges.ts';
import { DeviceChoices } from './device-choices.ts';
import { installHapStorage, SqliteHapStorage } from './hap-storage.ts';
import { routeLibraryConsole } from './library-console.ts';

export type { HomekitOptions, HomekitPart } from './types.ts';

/**
 * Shows the hub's devices to Apple Home, on one bridge or as many as they need. Resolves when the bridges listen, with an
 * accessory for every known device. Importing this file loads the HomeKit library (some 30 MB), so it is imported only
 * where wanted; `types.ts` and `tables.ts` stand alone.
 * @throws StartError when the setup code is unusable, the only bridge's port is taken or bridges run in this process
 * already.
 */
export async function startHomekit(options: HomekitOptions): Promise<HomekitPart> {
  await using stack = new AsyncDisposableStack();
  const { log, store } = options;
  // Importing the library hooks every stack trace of the process, to read and keep source maps from the disk.
  Reflect.deleteProperty(Error, 'prepareStackTrace');
  stack.use(routeLibraryConsole(log));
  const storage = stack.use(new SqliteHapStorage(store, log));
  stack.use(installHapStorage(storage));

  const bridges = new Bridges(options);
  stack.defer(() => bridges.saveControllers());
  const devices = stack.use(new BridgedDevices(bridges, options));
  const choices = new DeviceChoices(bridges, devices, options);
  devices.start();
  // An identity that was made just now must not be paired with and then lost.
  await store.durable();
  stack.defer(async () => await bridges.unpublish());
  await bridges.publishAll();

  const resources = stack.move();
  return {
    get port() {
      return bridges.first.view.port;
    },
    get username() {
      return bridges.first.username;
    },
    get pin() {
      return bridges.first.view.pin;
    },
    get setupUri() {
      return bridges.first.view.setupUri;
    },
    get paired() {
      return bridges.first.paired;
    },
    get accessoryCount() {
      return devices.count;
    },
    get bridges() {
      return bridges.all.map(({ view }) => view);
    },
    get advertiser() {
      return bridges.first.advertiser;
    },
    shows: (entityId) => devices.shows(entityId),
    whyHidden: (entityId) => choices.whyHidden(entityId),
    shown: () => devices.shown(),
    hidden: () => choices.hidden(),
    kept: () => choices.kept(),
    lossByRemoval: (entityId) => choices.lossByRemoval(entityId),
    choose: async (entityId, choice) => await choices.choose(entityId, choice),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
