import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Audit } from './audit.ts';
import type { Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';
import type { Actor, Origin, TokenPair, User } from './types.ts';

import { HubError } from '../base/errors.ts';
import { sha256 } from './hashes.ts';
import { countPairingCodes, readPairingCode } from './key-reader.ts';
import { deleteExpiredPairingCodes, deletePairingCode, insertPairingCode } from './key-writer.ts';
import { readBoundSessions, readUser } from './reader.ts';
import { checkLabel, mayManage } from './rules.ts';
import { refuseExpired } from './sessions.ts';
import { refuseEnded } from './standing.ts';
import { makeCode, normalizeCode } from './typed-code.ts';
import { deleteSession } from './writer.ts';

export interface PairingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly throttle: Throttle;
  readonly sessions: Sessions;
  readonly audit: Audit;
}

export interface NewPairingCode {
  /** Whose phone it is; default the actor's own. */
  readonly userId?: string | undefined;
  readonly deviceName?: string | undefined;
}

export interface PairingCode {
  /** Told once. */
  readonly code: string;
  readonly expiresAtMs: number;
  readonly user: User;
}

export interface PairInput extends Origin {
  readonly code: string;
  /** What the phone calls itself; its tokens are good for this device only. */
  readonly deviceId: string;
  readonly deviceName?: string | undefined;
}

const CODE_MS = 10 * 60_000;
const MAX_CODES = 20;

/**
 * Lets phones in without a password: an admin shows a code, the phone gives it back within ten minutes, once. A plain
 * SHA-256 is kept of a code: its 58 random bits outlast ten minutes of guessing even for whoever has the database.
 */
export class Pairing {
  readonly #options: PairingOptions;

  constructor(options: PairingOptions) {
    this.#options = options;
  }

  /**
   * Makes a code for a phone of the actor, or of somebody whom they may manage: whoever has the code has the rights of
   * the user it is for.
   * @throws HubError `not_found`, `forbidden`, `invalid`, `conflict` where there are too many.
   */
  async makeCode(input: NewPairingCode, actor: Actor): Promise<PairingCode> {
    const { store, clock, audit, log } = this.#options;
    const { principal } = actor;
    const nowMs = clock.nowMs();
    const deviceName = input.deviceName === undefined ? null : checkLabel(input.deviceName, 'device_name');
    const userId = input.userId ?? principal.userId;
    if (input.userId === undefined && (principal.permissions || !readUser(store.db, userId))) {
      throw new HubError('invalid', 'user_id must say whose phone it is', { field: 'user_id' });
    }
    const code = makeCode();
    const expiresAtMs = nowMs + CODE_MS;
    const user = store.write((tx) => {
      refuseEnded(tx, actor);
      const found = readUser(tx, userId);
      if (!found) {
        throw new HubError('not_found', 'There is no such user. GET /api/users lists them.', {
          field: 'user_id',
        });
      }
      if (userId !== principal.userId && !mayManage(principal, found.user.role)) {
        throw new HubError('forbidden', 'Only the owner pairs phones of owners and other admins.');
      }
      deleteExpiredPairingCodes(tx, nowMs);
      if (countPairingCodes(tx) >= MAX_CODES) {
        throw new HubError(
          'conflict',
          `There are ${MAX_CODES} open pairing codes already. They expire after ten minutes.`,
        );
      }
      insertPairingCode(tx, { hash: hashOf(code), userKey: found.key, deviceName, expiresAtMs });
      const details = { user_id: userId, device_name: deviceName };
      audit.record({ action: 'pairing_code.create', by: principal, from: actor, details }, tx);
      return found.user;
    });
    log.info({ user_id: userId, by: principal.userId }, 'a pairing code was made');
    await store.durable();
    return { code, expiresAtMs, user };
  }

  /**
   * Exchanges a code, once, for tokens that are good for this device only. A device that is paired anew loses its
   * earlier pairing.
   * @throws HubError `unauthenticated`, `conflict` (the device is paired for somebody else), `rate_limited`.
   */
  async pair(input: PairInput): Promise<TokenPair> {
    const { store, clock, throttle, sessions, audit, log } = this.#options;
    const givenName = input.deviceName === undefined ? null : checkLabel(input.deviceName, 'device_name');
    const succeeded = throttle.begin(' pair', input.address);
    const hash = hashOf(input.code);
    const nowMs = clock.nowMs();
    const seen = readPairingCode(store.db, hash);
    if (!seen || nowMs >= seen.expiresAtMs) {
      log.warn({ address: input.address }, 'a pairing code was refused');
      audit.note(`pair ${input.address}`, { action: 'pair', by: null, from: input });
      throw wrongCode();
    }
    refuseExpired(seen.owner.user, nowMs);
    succeeded();
    const { opened, ended } = store.write((tx) => {
      const { owner, deviceName } = seen;
      // Two phones may have shown the code at the same time; the first transaction wins.
      if (!deletePairingCode(tx, hash)) throw wrongCode();
      const earlier = readBoundSessions(tx, input.deviceId);
      if (earlier.some(({ userKey }) => userKey !== owner.key)) {
        throw new HubError(
          'conflict',
          'A device of this device_id is paired for somebody else. Revoke that one, or give this one another device_id.',
          { field: 'device_id' },
        );
      }
      for (const { session } of earlier) deleteSession(tx, session.id);
      const device = { deviceId: input.deviceId, deviceName: deviceName ?? givenName, bound: true };
      const session = sessions.open(tx, owner, device);
      const { id: userId, username } = owner.user;
      const details = { device_id: input.deviceId, device_name: device.deviceName };
      audit.record(
        { action: 'pair', by: { userId, username }, from: input, target: session.sessionId, details },
        tx,
      );
      return { opened: session, ended: earlier.map(({ session: { id } }) => id) };
    });
    sessions.tellEnded(ended);
    log.info({ user_id: opened.user.id, device_id: input.deviceId }, 'a device was paired');
    return await sessions.answer(opened);
  }
}

/**
 * What a phone scans: `funkygibbon://pair?v=1&url=…&code=…&fp=…`. `url` is where the phone reaches the hub, `fp` the
 * SHA-256 fingerprint of the certificate that it must find there; left out where the hub has none.
 */
export function pairingUri(hub: { url: string; fingerprint: string | null; code: string }): string {
  const query = new URLSearchParams({ v: '1', url: hub.url, code: hub.code });
  if (hub.fingerprint !== null) query.set('fp', hub.fingerprint);
  return `funkygibbon://pair?${query.toString()}`;
}

function hashOf(code: string): Buffer {
  return sha256(normalizeCode(code));
}

function wrongCode(): HubError {
  return new HubError(
    'unauthenticated',
    'The pairing code is wrong, used or older than ten minutes. Ask an admin to show a new one.',
  );
}
