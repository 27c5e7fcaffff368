/** Types of the items in a pairing message (HomeKit Accessory Protocol, table 5-6). */
export const TLV = {
  method: 0x00,
  identifier: 0x01,
  salt: 0x02,
  publicKey: 0x03,
  proof: 0x04,
  encryptedData: 0x05,
  state: 0x06,
  error: 0x07,
  retryDelay: 0x08,
  signature: 0x0a,
} as const;

/** An item holds at most this many bytes; a longer value goes on in the next item of the same type. */
const MAX_ITEM = 255;

export type TlvItems = ReadonlyMap<number, Buffer>;

/** Writes type-length-value items in the given order. */
export function encodeTlv(items: readonly (readonly [type: number, value: Uint8Array | number])[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [type, value] of items) {
    const bytes = typeof value === 'number' ? Uint8Array.of(value) : value;
    let offset = 0;
    do {
      const part = bytes.subarray(offset, offset + MAX_ITEM);
      parts.push(Uint8Array.of(type, part.length), part);
      offset += MAX_ITEM;
    } while (offset < bytes.length);
  }
  return Buffer.concat(parts);
}

/** Items by type; pieces of one type are joined. Undefined when the bytes are no such list. */
export function decodeTlv(bytes: Uint8Array): TlvItems | undefined {
  const pieces = new Map<number, Uint8Array[]>();
  let offset = 0;
  while (offset < bytes.length) {
    const type = bytes[offset];
    const length = bytes[offset + 1];
    if (type === undefined || length === undefined || offset + 2 + length > bytes.length) return undefined;
    const value = bytes.subarray(offset + 2, offset + 2 + length);
    const known = pieces.get(type);
    if (known) known.push(value);
    else pieces.set(type, [value]);
    offset += 2 + length;
  }
  return new Map([...pieces].map(([type, parts]) => [type, Buffer.concat(parts)]));
}
