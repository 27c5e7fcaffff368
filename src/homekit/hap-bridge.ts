import type {
  AccessoryEventTypes,
  CharacteristicWarning,
  MDNSAdvertiser,
  PublishInfo,
} from '@homebridge/hap-nodejs';

import { Bridge, Characteristic, Service, uuid } from '@homebridge/hap-nodejs';

import type { BridgeIdentity } from './identity.ts';
import type { PublishedServer } from './hap-server.ts';
import type { Advertiser, BridgeView, HomekitOptions } from './types.ts';

import { errorText, StartError } from '../base/errors.ts';
import { advertiserOf, pairingsOf, saveControllers } from './hap-internals.ts';
import { publishBridge } from './hap-server.ts';
import { toSetupUri } from './identity.ts';
import { cleanName, cutToBytes, toFirmwareRevision } from './names.ts';

/** Room for the four characters of identity that the library adds within mDNS's 63 bytes. */
const MAX_BRIDGE_NAME_BYTES = 57;
/** Chooses the icon while pairing. The library has it as a const enum, which cannot be imported. */
const CATEGORY_BRIDGE = 2;

export type HapBridgeOptions = Pick<
  HomekitOptions,
  'name' | 'host' | 'log' | 'softwareVersion' | 'advertise' | 'advertiser' | 'loopbackOnly'
>;

/** Which bridge it is, and what it is known by. */
export interface BridgeOrigin extends BridgeIdentity {
  readonly number: number;
  readonly isAlone: boolean;
}

/** One bridge: what Apple Home pairs with, and where it listens. */
export class HapBridge {
  /** 1, 2 … */
  readonly number: number;
  readonly name: string;
  /** A person gave it to one device alone. */
  readonly isAlone: boolean;
  readonly hap: Bridge;
  readonly #identity: BridgeIdentity;
  readonly #ports: readonly number[];
  readonly #options: HapBridgeOptions;
  #server: PublishedServer | undefined;
  #problem: string | null = null;

  /** @param ports where it may listen, the best one first; 0 is any free one */
  constructor(origin: BridgeOrigin, ports: readonly number[], options: HapBridgeOptions) {
    this.number = origin.number;
    this.name = bridgeName(options.name, origin.number);
    this.isAlone = origin.isAlone;
    this.#identity = origin;
    this.#ports = ports;
    this.#options = options;
    this.hap = this.#create();
  }

  get username(): string {
    return this.#identity.username;
  }

  get paired(): boolean {
    return this.hap._accessoryInfo?.paired() ?? false;
  }

  /** Who announces it; null where nobody does. */
  get advertiser(): Exclude<Advertiser, 'auto'> | null {
    return this.#options.advertise ? advertiserOf(this.hap) : null;
  }

  /** Why it does not run, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  get view(): BridgeView {
    const { username, pin } = this.#identity;
    const pairings = pairingsOf(this.hap);
    return {
      number: this.number,
      name: this.name,
      username,
      port: this.#server?.port ?? this.#ports[0] ?? 0,
      pin,
      setupUri: toSetupUri(this.#identity),
      paired: this.paired,
      controllers: pairings.length,
      pairings,
      alone: this.isAlone,
      accessories: this.hap.bridgedAccessories.length,
      problem: this.#problem,
    };
  }

  /**
   * Resolves with the port once it listens. What it holds by then keeps its ids; later accessories are new to Apple Home.
   * @throws StartError when none of the ports is free, or the address to announce on does not exist.
   */
  async publish(): Promise<number> {
    const { advertise, log, loopbackOnly = false } = this.#options;
    let failure: unknown;
    for (const port of this.#ports) {
      try {
        this.#server = await publishBridge(this.hap, {
          info: this.#publishInfo(port),
          advertise,
          loopbackOnly,
          log,
        });
        this.#problem = null;
        this.#tellState(this.#server.port);
        return this.#server.port;
      } catch (error) {
        failure = error;
      }
    }
    this.#problem = problemText(failure);
    throw failure;
  }

  /** Says goodbye and closes every connection. */
  async unpublish(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  saveControllers(): void {
    saveControllers(this.hap);
  }

  #tellState(port: number): void {
    const { advertise, advertiser, log } = this.#options;
    if (advertise && this.advertiser !== toAdvertiser(advertiser)) {
      log.warn(
        { bridge: this.name, wanted: toAdvertiser(advertiser), taken: this.advertiser },
        'the HomeKit bridge is announced by another than homekit.advertiser says, because that one could not be asked; see that avahi-daemon and D-Bus run, and restart the hub',
      );
    }
    this.#options.log.info(
      { bridge: this.name, port, accessories: this.hap.bridgedAccessories.length, paired: this.paired },
      this.paired
        ? 'the HomeKit bridge is up'
        : 'the HomeKit bridge is up and waits to be added in Apple Home',
    );
  }

  #create(): Bridge {
    const { softwareVersion } = this.#options;
    const bridge = new Bridge(this.name, uuid.generate(`hub-bridge:${this.username}`));
    // Without this a device that comes late, or comes back, gets a new id, and Apple Home forgets its room and scenes.
    bridge.disableUnusedIDPurge();
    bridge
      .getService(Service.AccessoryInformation)
      ?.setCharacteristic(Characteristic.Manufacturer, 'FunkyGibbon')
      .setCharacteristic(Characteristic.Model, 'FunkyGibbon Hub')
      .setCharacteristic(Characteristic.SerialNumber, this.username.replaceAll(':', ''))
      .setCharacteristic(Characteristic.FirmwareRevision, toFirmwareRevision(softwareVersion));
    this.#reportEvents(bridge);
    return bridge;
  }

  #reportEvents(bridge: Bridge): void {
    const { log } = this.#options;
    const which = { bridge: this.name };
    bridge.on('paired' as AccessoryEventTypes.PAIRED, () =>
      log.info(which, 'the hub was added to Apple Home'),
    );
    bridge.on('unpaired' as AccessoryEventTypes.UNPAIRED, () => {
      log.info(which, 'the hub was removed from Apple Home; it can be added again with the setup code');
    });
    bridge.on('identify' as AccessoryEventTypes.IDENTIFY, (_paired, callback) => {
      log.info(which, 'Apple Home asked the hub to identify itself');
      callback();
    });
    bridge.on(
      'characteristic-warning' as AccessoryEventTypes.CHARACTERISTIC_WARNING,
      ({ originatorChain, message }: CharacteristicWarning) => {
        log.warn({ characteristic: originatorChain, text: message }, 'the HomeKit library reports');
      },
    );
  }

  #publishInfo(port: number): PublishInfo {
    const { host, advertise, advertiser } = this.#options;
    const { username, pin, setupId } = this.#identity;
    return {
      username,
      pincode: pin,
      setupID: setupId,
      category: CATEGORY_BRIDGE,
      port,
      // A bridge that announces nothing has a responder in ciao's place.
      advertiser: (advertise ? toAdvertiser(advertiser) : 'ciao') as MDNSAdvertiser,
      ...(host === null ? {} : { bind: host }),
    };
  }
}

function toAdvertiser(advertiser: Advertiser = 'auto'): Exclude<Advertiser, 'auto'> {
  return advertiser === 'auto' ? 'ciao' : advertiser;
}

/** `FunkyGibbon`, `FunkyGibbon 2` …: two bridges of one name confuse people and networks. */
function bridgeName(wanted: string, number: number): string {
  const suffix = number === 1 ? '' : ` ${number}`;
  const name = cutToBytes(cleanName(wanted, 'FunkyGibbon'), MAX_BRIDGE_NAME_BYTES - suffix.length).trim();
  return name + suffix;
}

function problemText(error: unknown): string {
  return error instanceof StartError ? error.message.replace(/^homekit: /, '') : errorText(error);
}
