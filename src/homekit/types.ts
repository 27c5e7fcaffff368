import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { DeviceControl } from '../devices/types.ts';

export interface HomekitOptions {
  /** What the bridge is called in Apple Home; four characters of its identity are added, so that two hubs differ. */
  name: string;
  /** TCP port of the first bridge, 0 for any free one; further ones get the next. A paired home follows it by mDNS. */
  port: number;
  /** `XXX-XX-XXX`; null for a code that is generated once and kept. Changing it leaves existing pairings alone. */
  pin: string | null;
  /** The address or interface to announce on; null for all. The TCP port listens on every address regardless. */
  host: string | null;
  store: Store;
  devices: DeviceControl;
  clock: Clock;
  log: Logger;
  softwareVersion: string;
  /** False for no mDNS at all: no announcement and no UDP socket. */
  advertise: boolean;
  /** Default auto. */
  advertiser?: Advertiser;
  /** Accept connections from this machine only. Default false. */
  loopbackOnly?: boolean;
  /** How long the devices must be quiet before a change of structure is shown, so that c# rises once. Default 1000. */
  settleMs?: number;
  /** How long a device may take to follow a write before the old value is shown again. Default 4000. */
  followMs?: number;
}

/** Who announces the bridges by mDNS; `auto` is the library's own choice, ciao. */
export const ADVERTISERS = ['auto', 'ciao', 'bonjour-hap', 'avahi'] as const;
export type Advertiser = (typeof ADVERTISERS)[number];

/** One service of an accessory, and which capability each of its characteristics shows. */
export interface ShownInHomekit {
  /** By the library's name, such as `Lightbulb`. */
  readonly service: string;
  readonly characteristics: readonly { readonly characteristic: string; readonly capability: string }[];
}

/** One bridge as a person sees it. */
export interface BridgeView {
  /** 1, 2 … */
  readonly number: number;
  readonly name: string;
  /** Its HAP device id, `XX:XX:XX:XX:XX:XX`. */
  readonly username: string;
  /** The port that is listened on, or is to be. */
  readonly port: number;
  readonly pin: string;
  /** `X-HM://…`, the text of the QR code. */
  readonly setupUri: string;
  /** True when at least one home holds a pairing. */
  readonly paired: boolean;
  /** How many hold a pairing. */
  readonly controllers: number;
  /** Who they are; the ones with all rights first. */
  readonly pairings: readonly PairingView[];
  /** A person gave it to one device alone. */
  readonly alone: boolean;
  /** Bridged accessories, without the bridge itself. */
  readonly accessories: number;
  /** Why it does not run, or null. */
  readonly problem: string | null;
}

/** A phone or a home hub that holds a pairing, as far as HomeKit says who it is. */
export interface PairingView {
  /** A UUID that Apple Home made for it. */
  readonly id: string;
  /** Whether it may add and remove others. */
  readonly admin: boolean;
  /** The addresses that it is connected from now. */
  readonly connectedFrom: readonly string[];
}

/** A device that stands on a bridge. */
export interface ShownDevice {
  readonly entityId: string;
  /** As in Apple Home, unless a person gave it another name there. */
  readonly name: string;
  readonly bridge: number;
  /** By the library's names, such as `Lightbulb`. */
  readonly services: readonly string[];
}

/** A device that Apple Home does not show, and why, for a person. */
export interface HiddenDevice {
  readonly entityId: string;
  readonly name: string;
  readonly reason: string;
}

/** Which of the ways of something that opens are counted the other way round in Apple Home. */
export interface Inversion {
  /** Open and closed: of a cover, a window, a door, a garage door or a gate. */
  readonly opening: boolean;
  /** The slats. */
  readonly tilt: boolean;
}

/** What a person wants of one device. */
export interface DeviceChoice {
  /** Out of Apple Home, or in again. */
  readonly excluded?: boolean | undefined;
  /** The bridge that it is to stand on: one that there is, or the next number for a new one. */
  readonly bridge?: number | undefined;
  /** On a bridge that no other device is put on. */
  readonly alone?: true | undefined;
  /** Whether open and closed are turned round; of `component`, or of all that opens. */
  readonly invertOpening?: boolean | undefined;
  readonly invertTilt?: boolean | undefined;
  /** The one that the inversion is meant for. */
  readonly component?: string | undefined;
  /** Show its parts as what the device says that they are by now, where Apple Home still shows what they were. */
  readonly renew?: true | undefined;
  /** The person knows what Apple Home forgets by it. */
  readonly confirm?: boolean | undefined;
}

/** Where a device stands. */
export interface DevicePlace {
  readonly entityId: string;
  readonly excluded: boolean;
  /** Null for one that never stood on any. */
  readonly bridge: number | null;
  /** That bridge is for it alone. */
  readonly alone: boolean;
  readonly shown: boolean;
  readonly parts: readonly DevicePart[];
}

/** A part of a device that a person may decide about. */
export interface DevicePart {
  /** The discovery identity of its component. */
  readonly component: string;
  /** What it is called on the device; null for the device's main feature. */
  readonly label: string | null;
  /** The service, by the library's name, that it is shown as. */
  readonly service: string;
  /** What it would be shown as were it new, where that is another one. */
  readonly announcedService: string | null;
  /** Null for what does not open or close. */
  readonly inversion: Inversion | null;
}

/** A device with parts that Apple Home shows as what they were, though the device says by now that they are another. */
export interface KeptDevice {
  readonly entityId: string;
  readonly name: string;
  readonly parts: readonly DevicePart[];
}

/**
 * The running bridges; what is said of one is said of the first. Disposing says goodbye by mDNS and closes every
 * connection.
 */
export interface HomekitPart extends AsyncDisposable {
  /** The port that is really listened on. */
  readonly port: number;
  /** The bridge's HAP device id, `XX:XX:XX:XX:XX:XX`. */
  readonly username: string;
  readonly pin: string;
  /** `X-HM://…`, the text of the QR code. */
  readonly setupUri: string;
  /** True when at least one home holds a pairing. */
  readonly paired: boolean;
  /** Bridged accessories of all bridges, without the bridges themselves. */
  readonly accessoryCount: number;
  /** All of them, the first one first. */
  readonly bridges: readonly BridgeView[];
  /** Who announces them; null where nobody does. */
  readonly advertiser: Exclude<Advertiser, 'auto'> | null;
  /** What is shown of a device; empty for one that is not. */
  shows(entityId: string): readonly ShownInHomekit[];
  /** Why a device is not shown; null for one that is. */
  whyHidden(entityId: string): string | null;
  /** Every device that stands on a bridge, by bridge and name. */
  shown(): readonly ShownDevice[];
  /** Every device that is not shown. */
  hidden(): readonly HiddenDevice[];
  /** Every device that has parts which are shown as what they were. */
  kept(): readonly KeptDevice[];
  /** What Apple Home forgets when the device is deleted, for a person; null where there is nothing to forget. */
  lossByRemoval(entityId: string): string | null;
  /**
   * Takes a device out of Apple Home, puts it on another bridge, turns its directions round or shows it as what it is by
   * now, as a person chose.
   * @throws HubError `not_found`, `invalid`, or `conflict` saying what is lost where that is not confirmed.
   */
  choose(entityId: string, choice: DeviceChoice): Promise<DevicePlace>;
}
