import type { Permission, Principal } from '../access/types.ts';
import type { Clock } from '../base/clock.ts';
import type { DeviceControl } from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { Connection } from './connection.ts';
import type { ClientMessage } from './messages.ts';
import type { Scopes } from './scopes.ts';
import type { Subscription } from './subscriptions.ts';
import type { LiveCursors, LiveOptions } from './types.ts';

import { toIso } from '../base/clock.ts';
import { refuseBeyondRooms } from '../access/errors.ts';
import { ERROR_CODES, HubError } from '../base/errors.ts';
import { commandKinds, toldWrites } from '../devices/devices.ts';
import { ordererOf } from '../devices/types.ts';
import { MAX_SUBSCRIPTIONS } from './subscriptions.ts';

/** How long a command waits for the device's own report before it answers `unconfirmed`. */
const CONFIRM_WITHIN_MS = 2000;
/** Commands of one connection that have no result yet; further ones are refused. */
const MAX_COMMANDS_UNDER_WAY = 32;
/** Replays of one connection that are not done; each change that was missed is held against all of them. */
const MAX_REPLAYS = 64;

/** Whether what a message asks for keeps to the rooms of whoever is limited to some; what does not is closed to them. */
const KEEPS_TO_ROOMS: Readonly<Record<Exclude<ClientMessage['type'], 'auth'>, boolean>> = {
  subscribe: true,
  unsubscribe: true,
  command: true,
  ping: true,
};

export interface HandlerOptions {
  graph: Graph;
  devices: DeviceControl;
  cursor: LiveCursors;
  scopes: Scopes;
  allows: (principal: Principal, permission: Permission) => boolean;
  authorizeCommand: LiveOptions['authorizeCommand'];
  clock: Clock;
  /** Makes the feed look at the connection, which has something to be sent. */
  wakeFacts: () => void;
}

type Message<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;

/** Does what the messages of a connection that has said who it is ask for. */
export class MessageHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  /** @throws HubError when the message cannot be acted on; the connection stays. */
  handle(
    connection: Connection,
    principal: Principal,
    message: Exclude<ClientMessage, { type: 'auth' }>,
  ): void {
    refuseBeyondRooms(principal, KEEPS_TO_ROOMS[message.type]);
    if (connection.visible) this.#options.scopes.refresh(connection);
    switch (message.type) {
      case 'subscribe':
        this.#subscribe(connection, message);
        return;
      case 'unsubscribe': {
        const subscription = subscriptionOf(message);
        connection.subscriptions.delete(subscription);
        connection.send({ type: 'unsubscribed', [subscription.kind]: subscription.of });
        return;
      }
      case 'command':
        this.#command(connection, principal, message);
        return;
      case 'ping':
        connection.send({ type: 'pong', timestamp: toIso(this.#options.clock.nowMs()) });
        return;
    }
  }

  #subscribe(connection: Connection, message: Message<'subscribe'>): void {
    const { cursor } = this.#options;
    const subscription = subscriptionOf(message);
    const since = message.since == null ? undefined : cursor.parse(message.since, connection.visible?.hash);
    if (since && connection.replays.length >= MAX_REPLAYS) {
      throw new HubError(
        'rate_limited',
        'earlier replays are still under way; subscribe with since when they are done',
      );
    }
    if (!connection.subscriptions.add(subscription)) {
      throw new HubError('too_large', `a connection may have ${MAX_SUBSCRIPTIONS} subscriptions; use "*"`, {
        code: 'TOO_MANY_SUBSCRIPTIONS',
      });
    }
    connection.send({ type: 'subscribed', [subscription.kind]: subscription.of });
    if (since && !since.epochMatches) {
      // Its own cursor goes back: syncing with it is what makes the hub say `resync` and send everything.
      connection.send({ type: 'resync_required', cursor: message.since });
    } else if (since && since.seq < connection.seq) {
      connection.replays.push({ subscription, afterSeq: since.seq });
      this.#options.wakeFacts();
    }
  }

  #command(connection: Connection, principal: Principal, message: Message<'command'>): void {
    const result = (outcome: object): void => {
      connection.send({ type: 'command_result', request_id: message.request_id, ...outcome });
    };
    if (!this.#options.allows(principal, 'home:control')) {
      result({ error: { code: 'FORBIDDEN', message: 'this user may look and not switch' } });
      return;
    }
    if (connection.commandsUnderWay >= MAX_COMMANDS_UNDER_WAY) {
      result({
        error: { code: 'RATE_LIMIT_EXCEEDED', message: 'too many commands are under way; wait for a result' },
      });
      return;
    }
    const { authorizeCommand, devices, scopes } = this.#options;
    const entityId = message.entity_id;
    if (connection.visible && !scopes.sees(connection, entityId)) {
      result({ error: { code: 'NOT_FOUND', message: `there is no device ${entityId}` } });
      return;
    }
    const writes = [{ capability: message.capability, value: message.value }];
    const view = devices.view(entityId);
    try {
      const from = { address: connection.address, requestId: connection.id };
      const details = { values: toldWrites(view, writes) };
      const kinds = view ? commandKinds(view, writes) : [];
      authorizeCommand({ principal, ...from }, { entityId, kinds, details });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      result({ error: toErrorFields(error) });
      return;
    }
    connection.commandsUnderWay += 1;
    devices
      .command({
        entityId,
        writes,
        origin: `ws:${connection.id}`,
        by: ordererOf(principal),
        confirmWithinMs: CONFIRM_WITHIN_MS,
      })
      .then((status) => result({ status }))
      .catch((error: unknown) => {
        if (!(error instanceof HubError)) connection.log.error({ err: error }, 'a command failed');
        result({ error: toErrorFields(error) });
      })
      .finally(() => {
        connection.commandsUnderWay -= 1;
      })
      .catch((error: unknown) => connection.log.error({ err: error }, 'a command result was not sent'));
  }
}

function subscriptionOf(message: Message<'subscribe'> | Message<'unsubscribe'>): Subscription {
  if (message.entity_type !== undefined) {
    return { kind: 'entity_type', of: message.entity_type.toLowerCase() };
  }
  if (message.room_id !== undefined) return { kind: 'room_id', of: message.room_id };
  return { kind: 'entity_id', of: message.entity_id ?? '*' };
}

/** An error as clients are told it: what is not meant for people stays in the log. */
export function toErrorFields(error: unknown): { code: string; message: string } {
  if (error instanceof HubError)
    return { code: error.code ?? ERROR_CODES[error.kind], message: error.message };
  return { code: 'INTERNAL_ERROR', message: 'The hub could not do that; its log says why.' };
}
