import type { Principal } from '../access/types.ts';
import type { Connection } from './connection.ts';
import type { LiveOptions } from './types.ts';
import type { Refusal } from './upgrade.ts';

import { errorText, HubError } from '../base/errors.ts';
import { CLOSE_TOKEN } from './types.ts';

/** The longest time that a Node timer can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Knows whose token opens whose connection, and for how long. */
export class TokenGate {
  readonly #options: Pick<LiveOptions, 'verify' | 'allows' | 'clock'>;
  readonly #verified: (connection: Connection) => void;
  #verifying = false;

  /** @param verified called with each connection whose token was looked at again: what it may see may have changed */
  constructor(
    options: Pick<LiveOptions, 'verify' | 'allows' | 'clock'>,
    verified: (connection: Connection) => void,
  ) {
    this.#options = options;
    this.#verified = verified;
  }

  /**
   * Who the token belongs to, or why its bearer may not connect as `userId` and, where one is named, as `deviceId`.
   * Rejects when that is not known.
   */
  async verify(userId: string, token: string, deviceId?: string | null): Promise<Principal | Refusal> {
    let principal: Principal;
    try {
      principal = await this.#options.verify(token);
    } catch (error) {
      if (error instanceof HubError && error.kind === 'unauthenticated') {
        return { kind: 'unauthenticated', detail: error.message };
      }
      throw error;
    }
    if (principal.userId !== userId) {
      return { kind: 'forbidden', detail: 'the token belongs to another user than the path names' };
    }
    if (!this.#options.allows(principal, 'home:read')) {
      return { kind: 'forbidden', detail: 'this user may not look into the home' };
    }
    const { boundDeviceId } = principal;
    if (boundDeviceId !== undefined && (deviceId ?? boundDeviceId) !== boundDeviceId) {
      return { kind: 'forbidden', detail: 'the token was made for another device', field: 'device_id' };
    }
    return principal;
  }

  /** Closes the connection when its token expires; replaces the deadline that it had. */
  closeAtExpiry(connection: Connection, principal: Principal): void {
    clearTimeout(connection.deadline);
    const leftMs = principal.expiresAtMs - this.#options.clock.nowMs();
    if (leftMs <= 0) {
      connection.close(CLOSE_TOKEN, 'the token has expired');
      return;
    }
    connection.deadline = setTimeout(
      () => this.closeAtExpiry(connection, principal),
      Math.min(leftMs, MAX_TIMER_MS),
    );
  }

  /**
   * Looks at all tokens again: they may have been revoked, or the clock may have been set. One after the other, so that
   * a thousand signatures do not hold up a lamp.
   */
  async verifyAgain(connections: Iterable<Connection>): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    try {
      for (const connection of connections) {
        if (!connection.closing) await this.verifyOne(connection);
      }
    } finally {
      this.#verifying = false;
    }
  }

  /** Looks at the connection's token again, and closes the connection when it is not valid any more. */
  async verifyOne(connection: Connection): Promise<void> {
    const { token } = connection;
    if (token === undefined) return;
    try {
      const verified = await this.verify(connection.handshake.userId, token, connection.deviceId);
      // A newer token may have come meanwhile.
      if (connection.token !== token || connection.closing) return;
      if ('kind' in verified) {
        connection.close(CLOSE_TOKEN, verified.detail);
        return;
      }
      connection.principal = verified;
      // The end of a visit may have been moved.
      this.closeAtExpiry(connection, verified);
      if (!connection.closing) this.#verified(connection);
    } catch (error) {
      // A database that cannot be read now says nothing about the token.
      connection.log.warn({ error: errorText(error) }, 'a token could not be verified again');
    }
  }
}
