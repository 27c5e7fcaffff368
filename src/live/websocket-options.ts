import { MAX_MESSAGE_BYTES } from './messages.ts';

/** How much of the protocol a client gets of the library: what costs us more than it costs the client is off. */
export const WEBSOCKET_OPTIONS = {
  maxPayload: MAX_MESSAGE_BYTES,
  /** No client splits 64 KiB any further; pieces may be empty, and would never end. */
  maxFragments: 256,
  perMessageDeflate: false,
  clientTracking: false,
  /** The library would answer whoever does not read, too, and hold what is not read. */
  autoPong: false,
  /** How long it waits for the other side's close frame before it drops the socket. */
  closeTimeout: 5000,
};
