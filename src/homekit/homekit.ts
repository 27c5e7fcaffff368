import type { AccessoryEventTypes, CharacteristicWarning, PublishInfo } from '@homebridge/hap-nodejs';

import { Bridge, Characteristic, Service, uuid } from '@homebridge/hap-nodejs';

import type { Logger } from '../base/log.ts';
import type { BridgeIdentity } from './identity.ts';
import type { HomekitOptions, HomekitPart } from './types.ts';

import { BridgedDevices } from './bridged-devices.ts';
import { saveControllers } from './hap-internals.ts';
import { publishBridge } from './hap-server.ts';
import { installHapStorage, SqliteHapStorage } from './hap-storage.ts';
import { keepIdentity } from './identity.ts';
import { routeLibraryConsole } from './library-console.ts';
import { cleanName, cutToBytes, toFirmwareRevision } from './names.ts';

export type { HomekitOptions, HomekitPart } from './types.ts';

/** Room for the four characters of identity that the library adds within mDNS's 63 bytes. */
const MAX_BRIDGE_NAME_BYTES = 57;
/** Chooses the icon while pairing. The library has it as a const enum, which cannot be imported. */
const CATEGORY_BRIDGE = 2;

/**
 * Shows the hub's devices to Apple Home as one bridge. Resolves when the bridge listens, with an accessory for every
 * known device. Importing this file loads the HomeKit library (some 30 MB), so it is imported only where wanted;
 * `types.ts` and `tables.ts` stand alone.
 * @throws StartError when the setup code is unusable, the port is taken or a bridge runs in this process already.
 */
export async function startHomekit(options: HomekitOptions): Promise<HomekitPart> {
  await using stack = new AsyncDisposableStack();
  const { log, store } = options;
  // Importing the library hooks every stack trace of the process, to read and keep source maps from the disk.
  Reflect.deleteProperty(Error, 'prepareStackTrace');
  stack.use(routeLibraryConsole(log));
  const storage = stack.use(new SqliteHapStorage(store, log));
  stack.use(installHapStorage(storage));

  const identity = keepIdentity(store, options.pin);
  await store.durable();
  const bridge = createBridge(options, identity);
  stack.defer(() => saveControllers(bridge));
  const devices = stack.use(new BridgedDevices(bridge, options));
  devices.start();

  const server = stack.use(
    await publishBridge(bridge, {
      info: toPublishInfo(options, identity),
      advertise: options.advertise,
      loopbackOnly: options.loopbackOnly ?? false,
      log,
    }),
  );
  const isPaired = (): boolean => bridge._accessoryInfo?.paired() ?? false;
  const setupUri = bridge.setupURI();
  log.info(
    { port: server.port, accessories: devices.count, paired: isPaired() },
    isPaired() ? 'the HomeKit bridge is up' : 'the HomeKit bridge is up and waits to be added in Apple Home',
  );

  const resources = stack.move();
  return {
    port: server.port,
    username: identity.username,
    pin: identity.pin,
    setupUri,
    get paired() {
      return isPaired();
    },
    get accessoryCount() {
      return devices.count;
    },
    shows: (entityId) => devices.shows(entityId),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

function createBridge(options: HomekitOptions, { username }: BridgeIdentity): Bridge {
  const { log } = options;
  const name = cutToBytes(cleanName(options.name, 'FunkyGibbon'), MAX_BRIDGE_NAME_BYTES).trim();
  const bridge = new Bridge(name, uuid.generate(`hub-bridge:${username}`));
  // Without this a device that comes late, or comes back, gets a new id, and Apple Home forgets its room and scenes.
  bridge.disableUnusedIDPurge();
  bridge
    .getService(Service.AccessoryInformation)
    ?.setCharacteristic(Characteristic.Manufacturer, 'FunkyGibbon')
    .setCharacteristic(Characteristic.Model, 'FunkyGibbon Hub')
    .setCharacteristic(Characteristic.SerialNumber, username.replaceAll(':', ''))
    .setCharacteristic(Characteristic.FirmwareRevision, toFirmwareRevision(options.softwareVersion));
  reportEvents(bridge, log);
  return bridge;
}

function reportEvents(bridge: Bridge, log: Logger): void {
  bridge.on('paired' as AccessoryEventTypes.PAIRED, () => log.info('the hub was added to Apple Home'));
  bridge.on('unpaired' as AccessoryEventTypes.UNPAIRED, () => {
    log.info('the hub was removed from Apple Home; it can be added again with the setup code');
  });
  bridge.on('identify' as AccessoryEventTypes.IDENTIFY, (_paired, callback) => {
    log.info('Apple Home asked the hub to identify itself');
    callback();
  });
  bridge.on(
    'characteristic-warning' as AccessoryEventTypes.CHARACTERISTIC_WARNING,
    ({ originatorChain, message }: CharacteristicWarning) => {
      log.warn({ characteristic: originatorChain, text: message }, 'the HomeKit library reports');
    },
  );
}

function toPublishInfo(options: HomekitOptions, identity: BridgeIdentity): PublishInfo {
  return {
    username: identity.username,
    pincode: identity.pin,
    setupID: identity.setupId,
    category: CATEGORY_BRIDGE,
    port: options.port,
    ...(options.host === null ? {} : { bind: options.host }),
  };
}
