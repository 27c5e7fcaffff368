import { encode, writeFloat32LE, writeUInt32, writeVariableUIntLE } from '@homebridge/hap-nodejs';

/** HomeKit counts time from here. */
const EPOCH_MS = Date.UTC(2001, 0, 1);

export interface Schedule {
  /** Instance ids. */
  readonly temperature: number;
  readonly brightness: number;
  /** Mired, and how long it takes to get there from the one before. */
  readonly curve: readonly (readonly [mired: number, afterMs: number])[];
  readonly everyMs: number;
}

/** What a phone writes to switch Adaptive Lighting on: a curve for the day. */
export function toTransition({ temperature, brightness, curve, everyMs }: Schedule): string {
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(Date.now() - EPOCH_MS));
  const entries = curve.map(([mired, afterMs]) =>
    encode(1, writeFloat32LE(0), 2, writeFloat32LE(mired), 3, writeVariableUIntLE(afterMs)),
  );
  const interval = Buffer.alloc(2);
  interval.writeUInt16LE(everyMs);
  const configuration = encode(
    1,
    writeVariableUIntLE(temperature),
    2,
    encode(1, Buffer.alloc(16, 7), 2, start),
    3,
    1,
    5,
    Buffer.concat([
      encode(1, entries),
      encode(2, writeVariableUIntLE(brightness), 3, encode(1, littleEndian(10), 2, littleEndian(100))),
    ]),
    6,
    interval,
    8,
    littleEndian(600_000),
  );
  return encode(2, encode(1, configuration)).toString('base64');
}

function littleEndian(value: number): Buffer {
  return writeUInt32(value);
}
