import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Qos } from '../types.ts';

/** A packet as the broker hands it over; only what is read here. */
export interface StoredPacket {
  readonly cmd: string;
  readonly topic?: string;
  readonly payload?: Buffer;
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
  messageId?: number | undefined;
  clientId?: string;
}

/** A message that waits to be acknowledged, or the release that is owed for one. */
export interface Queued {
  readonly seq: number;
  packet: StoredPacket;
}

export interface SubscriptionRecord {
  readonly qos: Qos;
  readonly rh?: number | undefined;
  readonly rap?: boolean | undefined;
  readonly nl?: boolean | undefined;
}

export interface KeptSubscription {
  readonly record: SubscriptionRecord;
  readonly matches: (topic: string) => boolean;
}

export interface Session {
  readonly clientId: string;
  /** The user name that it was made with. */
  readonly owner: string;
  readonly subscriptions: Map<string, KeptSubscription>;
  queue: Queued[];
  queueBytes: number;
  /** Null while the client is connected. */
  offlineSinceMs: number | null;
}

export interface SessionOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** How soon what has changed is written. Default 1 s. */
  readonly soonMs?: number;
}
