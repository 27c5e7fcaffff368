/** FIN and the opcode of a text (RFC 6455, section 5.2). */
const TEXT = 0x81;
/** The same of the answer to a ping (section 5.5.3). */
const PONG = 0x8a;

/**
 * A text message as it stands on the wire, so that one that goes to a thousand connections is framed once and each of
 * them costs one write of the same bytes. A server's frames are not masked, and ours are neither compressed nor split.
 */
export function textFrame(json: string): Buffer {
  const length = Buffer.byteLength(json);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = TEXT;
  if (header === 2) {
    frame[1] = length;
  } else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(json, header);
  return frame;
}

/** The answer to a ping that brought `data`, which a control frame limits to 125 bytes. */
export function pongFrame(data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(PONG, data.length), data]);
}
