import type { Logger } from '../base/log.ts';
import type { DeviceControl, StateFollower } from '../devices/types.ts';
import type { Connection } from './connection.ts';
import type { Placements } from './placements.ts';
import type { Scopes } from './scopes.ts';

import { stateChangeMessage } from './messages.ts';

export interface StateFeedOptions {
  devices: DeviceControl;
  placements: Placements;
  scopes: Scopes;
  /** The connections that have said who they are. */
  connections: ReadonlySet<Connection>;
  log: Logger;
}

/**
 * Tells connections what devices report, on the very turn in which it came: between a lamp and a phone nothing waits
 * for a timer, a promise or a disk. The door follows once, whatever the number of phones.
 */
export class StateFeed implements Disposable {
  readonly #options: StateFeedOptions;
  readonly #follower: StateFollower;

  constructor(options: StateFeedOptions) {
    this.#options = options;
    this.#follower = options.devices.follow(() => this.#run());
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]();
  }

  #run(): void {
    const { connections, log, placements, scopes } = this.#options;
    try {
      const changes = this.#follower.take();
      /** Of each change, made for the first connection that wants it. */
      const frames: (Buffer | undefined)[] = [];
      for (const connection of connections) {
        connection.together(() => {
          for (const [index, change] of changes.entries()) {
            if (!connection.subscriptions.wantsEntity(change.entityId, placements)) continue;
            if (connection.visible && !scopes.sees(connection, change.entityId)) continue;
            const frame = (frames[index] ??= stateChangeMessage(change));
            connection.sendState(change, frame);
          }
        });
      }
    } catch (error) {
      // The wake-up comes from whoever reported the state, who must not suffer for a connection.
      log.error({ err: error }, 'a state could not be sent to the connections');
    }
  }
}
