import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { DeviceControl } from '../devices/types.ts';

export interface HomekitOptions {
  /** What the bridge is called in Apple Home; four characters of its identity are added, so that two hubs differ. */
  name: string;
  /** TCP port, 0 for any free one. A paired home follows the port by mDNS. */
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
  /** Accept connections from this machine only. Default false. */
  loopbackOnly?: boolean;
  /** How long the devices must be quiet before a change of structure is shown, so that c# rises once. Default 1000. */
  settleMs?: number;
  /** How long a device may take to follow a write before the old value is shown again. Default 4000. */
  followMs?: number;
}

/** One service of an accessory, and which capability each of its characteristics shows. */
export interface ShownInHomekit {
  /** By the library's name, such as `Lightbulb`. */
  readonly service: string;
  readonly characteristics: readonly { readonly characteristic: string; readonly capability: string }[];
}

/** The running bridge. Disposing says goodbye by mDNS and closes every connection. */
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
  /** Bridged accessories, without the bridge itself. */
  readonly accessoryCount: number;
  /** What is shown of a device; empty for one that is not. */
  shows(entityId: string): readonly ShownInHomekit[];
}
