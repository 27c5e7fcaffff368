import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type {
  CapabilityKind,
  CommandSink,
  ComponentView,
  DeviceControl,
  DeviceRegistry,
} from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { AccessoryError } from './errors.ts';

/** With this the ids of imported components begin; nothing that MQTT announces does. */
export const IMPORTED_PREFIX = 'hap/';

/** What the importer asks of the devices. */
export interface ImportRegistry
  extends
    Pick<DeviceRegistry, 'describe' | 'withdraw' | 'setAvailable' | 'report'>,
    Pick<DeviceControl, 'view'> {
  components(): readonly ComponentView[];
  /** A person gave these up. */
  remove(componentIds: readonly string[]): void;
}

export interface AccessoriesOptions {
  readonly store: Store;
  readonly graph: Graph;
  readonly devices: ImportRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  /** False for no mDNS: what is paired goes on at its last address, and nothing new is found. */
  readonly discover: boolean;
  /** True for the device ids of the hub's own bridges. */
  readonly isOwn: (id: string) => boolean;
  /** The serial numbers under which the hub shows its own devices, to know another hub's bridge of them. */
  readonly ownSerialNumbers: () => ReadonlySet<string>;
  readonly timing?: Partial<AccessoryTiming>;
  /** Only on the interface with this address; all interfaces unless a test says otherwise. */
  readonly interfaceAddress?: string;
}

/** A test has no time. */
export interface AccessoryTiming {
  /** The first and the longest pause between attempts to connect. Default 1 s and 60 s. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
  /** How long a connection may be down before its devices are: many accessories end one now and then. Default 5 s. */
  readonly offlineAfterMs: number;
  /** How often everything is read, for accessories that forget to tell. Default 60 s. */
  readonly pollMs: number;
  /** How long an accessory may take for an answer. Default 10 s. */
  readonly answerMs: number;
  /** The least time between two questions to the network where a lost accessory is now. Default 10 s. */
  readonly lookEveryMs: number;
}

/** An accessory that was found by mDNS, or that the hub is paired with. */
export interface AccessoryView {
  /** Its HAP device id. */
  readonly id: string;
  readonly name: string;
  readonly model: string | null;
  /** What it says it is, such as `lightbulb` or `bridge`. */
  readonly category: string | null;
  /** With the port. */
  readonly address: string;
  readonly pairedWithUs: boolean;
  readonly canPair: boolean;
  /** What a person has to know about it, or null. */
  readonly notice: string | null;
  /** Of the connection; null for one that is not paired with this hub. */
  readonly state: ConnectionState | null;
  /** Why it is not connected, or null. */
  readonly reason: string | null;
  /** The `accessory` entities that were made of it. */
  readonly entityIds: readonly string[];
}

/** Where the values of an imported component come from, in the words that devices of MQTT are explained in. */
export interface AccessoryOrigin {
  readonly source: 'homekit';
  /** `hap:<pairing>/<aid>.<iid>`. */
  readonly announcedOn: string;
  readonly values: readonly {
    readonly kind: CapabilityKind;
    /** The characteristic. */
    readonly topic: string;
    readonly template: null;
  }[];
  readonly availability: readonly {
    readonly topic: string;
    readonly available: boolean;
    readonly sinceMs: number;
  }[];
  readonly lastHeard: null;
  readonly lastFailure: null;
}

/** The accessories of others: what there is, what is imported, and the way to command it. */
export interface AccessoriesPart extends AsyncDisposable {
  readonly sink: CommandSink;
  /** By name. */
  list(): AccessoryView[];
  /**
   * Pairs with one that was found and imports it. The code is neither kept nor logged.
   * @throws HubError `not_found`, `conflict` where it is taken or the hub's own, AccessoryError in its own words.
   */
  pair(id: string, code: string): Promise<AccessoryView>;
  /** Has it blink or sound. @throws HubError `not_found`, AccessoryError. */
  identify(id: string): Promise<void>;
  /**
   * Gives it free and removes its entities. `force` forgets one that cannot be reached; `mustReset` tells that it goes
   * on believing that it belongs to this hub.
   * @throws HubError `not_found`, `unavailable` where it cannot be told and `force` is false.
   */
  remove(id: string, options: { readonly force: boolean }): Promise<{ mustReset: boolean }>;
  /** Undefined for a component that is not imported. */
  explain(componentId: string): AccessoryOrigin | undefined;
  /** As the end of a sentence; null where nothing is known. */
  whyUnavailable(componentId: string): string | null;
}

/** `aid.iid` in decimal, as HAP writes it: the address of a characteristic. Some ids do not fit a JavaScript number. */
export type CharacteristicId = string;

/** What a characteristic holds, as JSON carries it. Booleans may come as 0 and 1. */
export type HapValue = boolean | number | string | null;

export interface HapCharacteristic {
  readonly id: CharacteristicId;
  readonly iid: string;
  /** Apple's own short (`25`), others an upper-case UUID. */
  readonly type: string;
  /** `pr` readable, `pw` writable, `ev` tells changes, `tw` takes timed writes only, `hd` hidden. */
  readonly perms: readonly string[];
  readonly format: string | null;
  readonly unit: string | null;
  readonly description: string | null;
  readonly minValue: number | null;
  readonly maxValue: number | null;
  readonly minStep: number | null;
  readonly validValues: readonly number[] | null;
  /** The value when the list was read; undefined where it was not told. */
  readonly value: HapValue | undefined;
}

export interface HapService {
  readonly iid: string;
  readonly type: string;
  readonly primary: boolean;
  readonly hidden: boolean;
  /** The iids of services that belong to it. */
  readonly linked: readonly string[];
  readonly characteristics: readonly HapCharacteristic[];
}

/** One accessory of the database that `GET /accessories` answers; a bridge has several. */
export interface HapAccessory {
  readonly aid: string;
  readonly services: readonly HapService[];
}

/** What one characteristic answered. Status 0 is success, the others are HAP's (see `statusText`). */
export interface CharacteristicAnswer {
  readonly id: CharacteristicId;
  readonly status: number;
  readonly value?: HapValue;
}

export interface CharacteristicWrite {
  readonly id: CharacteristicId;
  readonly value: HapValue;
}

/** A value that became known. */
export interface ToldValue {
  readonly id: CharacteristicId;
  readonly value: HapValue;
  /** The accessory told it by itself; else it was read. A press of a button is only ever told. */
  readonly isEvent: boolean;
}

/** The keys of a pairing, 32 raw bytes each. */
export interface PairingKeys {
  /** Under which name the accessory knows this hub; another one for each accessory. */
  readonly controllerId: string;
  readonly publicKey: Buffer;
  /** The secret: who has it is this hub to the accessory. */
  readonly secretKey: Buffer;
  readonly accessoryPublicKey: Buffer;
}

/** A pairing as it is kept. */
export interface AccessoryPairing {
  /** The accessory's device id, `XX:XX:XX:XX:XX:XX` in upper case. */
  readonly id: string;
  readonly name: string;
  /** Where it was last seen. */
  readonly address: string;
  readonly port: number;
  readonly keys: PairingKeys;
}

/** An accessory that announces itself by mDNS. All of it is a hint: anybody on the network may forge it. */
export interface FoundAccessory {
  readonly id: string;
  readonly name: string;
  readonly model: string | null;
  readonly address: string;
  readonly port: number;
  /** Nobody has paired with it yet, it says. */
  readonly isPairable: boolean;
  /** c#: rises when services come or go. */
  readonly configNumber: number | null;
  /** ci, such as 5 for a lamp and 2 for a bridge. */
  readonly category: number | null;
  readonly protocolVersion: string | null;
}

export type ConnectionState = 'connecting' | 'connected' | 'waiting' | 'stopped';

/** Told at once, in order; must not throw. */
export interface ConnectionListener {
  /** With the reason while it waits for the next attempt. */
  onState(state: ConnectionState, reason: AccessoryError | null): void;
  /** The list of services, at the start and whenever it changed. Comes before the values. */
  onAccessories(accessories: readonly HapAccessory[]): void;
  onValues(values: readonly ToldValue[]): void;
  /** Everything that can be read was asked for, and this is what answered. Comes after the values. */
  onPolled?(answers: readonly CharacteristicAnswer[]): void;
}

/** A paired accessory, held by one connection that comes back by itself. */
export interface AccessoryConnection extends AsyncDisposable {
  readonly id: string;
  readonly state: ConnectionState;
  /** Why it is not connected, or null. */
  readonly reason: AccessoryError | null;
  /** Where it has last proven to be. */
  readonly where: { readonly address: string; readonly port: number };
  /** As last read; empty before the first connection. */
  accessories(): readonly HapAccessory[];
  /** @throws AccessoryError when it is not connected or does not answer. */
  read(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]>;
  /** In one request; timed where the accessory asks for that. Answers for each of them. @throws AccessoryError */
  write(writes: readonly CharacteristicWrite[]): Promise<CharacteristicAnswer[]>;
  /** To be told by events, besides those that are subscribed anyway. Kept over drops. @throws AccessoryError */
  subscribe(ids: readonly CharacteristicId[]): Promise<CharacteristicAnswer[]>;
  /** To be called with what mDNS says: follows a change of address and of the list of services. */
  seen(found: FoundAccessory): void;
  /** Gives the accessory free and ends the connection. @throws AccessoryError when it may still be claimed. */
  unpair(): Promise<void>;
}

/** The way to accessories that speak HAP over IP. */
export interface HapController {
  /** Takes eight digits. What it returns must be kept at once. @throws AccessoryError */
  pair(found: FoundAccessory, code: string): Promise<AccessoryPairing>;
  /** Lets an accessory that is not paired blink or sound. @throws AccessoryError */
  identify(found: FoundAccessory): Promise<void>;
  /** Begins to connect; never throws. */
  connect(pairing: AccessoryPairing, listener: ConnectionListener): AccessoryConnection;
}
