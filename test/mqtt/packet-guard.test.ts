import { describe, expect, test } from 'vitest';

import { PacketGuard } from '../../src/mqtt/broker/packet-guard.ts';

const limits = { packetBytes: 300, largePacketBytes: 200, largeBytes: 500, bytesBeforeLogin: 100 };

function loggedIn(large = { used: 0 }): PacketGuard {
  const guard = new PacketGuard(limits, large);
  guard.login();
  return guard;
}

/** A PUBLISH of so many bytes after its header. */
function packet(length: number): Uint8Array {
  const header = length < 128 ? [0x30, length] : [0x30, (length % 128) | 0x80, Math.floor(length / 128)];
  return Uint8Array.from([...header, ...Array.from({ length }, () => 0xff)]);
}

describe('packet borders', () => {
  test('packets in one chunk and packets torn anywhere are followed alike', () => {
    const stream = Uint8Array.from([
      ...packet(0),
      ...packet(5),
      ...packet(299),
      ...packet(300),
      ...packet(1),
    ]);
    for (let size = 1; size <= stream.length; size += 1) {
      const guard = loggedIn();
      for (let at = 0; at < stream.length; at += size) {
        expect(guard.inspect(stream.subarray(at, at + size))).toBeUndefined();
      }
    }
  });

  test('one byte too much is refused at the header, also behind a good packet', () => {
    const header = packet(301).subarray(0, 3);
    expect(loggedIn().inspect(header)).toBe('packet too large');
    expect(loggedIn().inspect(Uint8Array.from([...packet(20), ...header]))).toBe('packet too large');
  });

  test('a length that never ends is no MQTT', () => {
    expect(loggedIn().inspect(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe('not MQTT');
  });

  test('before login the sum is limited, afterwards not', () => {
    const guard = new PacketGuard(limits, { used: 0 });
    expect(guard.inspect(packet(98))).toBeUndefined();
    expect(guard.inspect(packet(1))).toBe('too much before login');
    const known = loggedIn();
    for (let count = 0; count < 50; count += 1) expect(known.inspect(packet(98))).toBeUndefined();
  });

  test('large packets share a budget, which is given back at their end and at a hang-up', () => {
    const large = { used: 0 };
    const [first, second, third] = [loggedIn(large), loggedIn(large), loggedIn(large)];
    const whole = packet(250);
    expect(first.inspect(whole.subarray(0, 10))).toBeUndefined();
    expect(second.inspect(whole.subarray(0, 10))).toBeUndefined();
    expect(third.inspect(whole)).toBe('too many large packets');
    expect(first.inspect(whole.subarray(10))).toBeUndefined();
    second[Symbol.dispose]();
    expect(large.used).toBe(0);
  });
});
