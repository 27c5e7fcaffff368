import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { AccessoryPairing } from '../../src/accessories/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createHapController } from '../../src/accessories/controller.ts';
import { characteristic, CODE, faultOf, TestAccessory, Witness } from './accessory.ts';

const controller = createHapController({
  log: silentLogger,
  clock: systemClock,
  minPauseMs: 20,
  maxPauseMs: 200,
});

async function pairWith(accessory: TestAccessory): Promise<AccessoryPairing> {
  return await controller.pair(accessory.found, CODE);
}

describe('pairing', () => {
  let light: TestAccessory;
  beforeAll(async () => {
    light = await TestAccessory.start('light');
  });
  afterAll(async () => await light[Symbol.asyncDispose]());

  test('a wrong code, the right one, an accessory that is taken, and one that is freed', async () => {
    await controller.identify(light.found);
    expect(await faultOf(controller.pair(light.found, '1234'))).toBe('malformed_code');
    expect(await faultOf(controller.pair(light.found, '111-22-333'))).toBe('wrong_code');
    const pairing = await controller.pair(light.found, '03145154');
    expect(pairing.keys.accessoryPublicKey).toHaveLength(32);
    expect(pairing.keys.secretKey).toHaveLength(32);
    expect(await faultOf(pairWith(light))).toBe('already_paired');
    expect(await faultOf(controller.identify(light.found))).toBe('already_paired');

    const witness = new Witness();
    const connection = controller.connect(pairing, witness);
    await witness.connected();
    await connection.unpair();
    expect(connection.state).toBe('stopped');
    expect(await faultOf(connection.read(['1.1']))).toBe('stopped');
    const late = new Witness();
    await using stale = controller.connect(pairing, late);
    await late.until('refused', () => stale.reason?.fault === 'not_paired');
    await stale.unpair();
    await controller.identify(light.found);
  });

  test('an accessory with another id, and nobody', async () => {
    const other = { ...light.found, id: 'CA:FE:00:00:00:99' };
    expect(await faultOf(controller.pair(other, CODE))).toBe('impostor');
    const { found } = light;
    await light.kill();
    expect(await faultOf(controller.pair(found, CODE))).toBe('unreachable');
  });
});

/** One bridge with an accessory of each kind, that is paired once: each connection is a new one. */
describe('a connection', () => {
  let bridge: TestAccessory;
  let pairing: AccessoryPairing;
  beforeAll(async () => {
    bridge = await TestAccessory.start('bridge', 'CA:FE:00:00:00:02');
    pairing = await pairWith(bridge);
  });
  afterAll(async () => await bridge[Symbol.asyncDispose]());

  test('reads, writes and is told of changes', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    const on = characteristic(connection, 'Lightbulb', 'On');
    const brightness = characteristic(connection, 'Lightbulb', 'Brightness');
    expect(await connection.read([brightness.id])).toEqual([{ id: brightness.id, status: 0, value: 40 }]);
    expect(
      await connection.write([
        { id: on.id, value: true },
        { id: brightness.id, value: 70 },
      ]),
    ).toEqual([
      { id: on.id, status: 0 },
      { id: brightness.id, status: 0 },
    ]);
    // The writer gets no event of its own write: the connection reads it back.
    await witness.told(brightness.id, 70);
    await bridge.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 12 });
    await witness.told(brightness.id, 12);
    expect(witness.values.at(-1)).toMatchObject({ id: brightness.id, isEvent: true });

    await bridge.order({ do: 'fail', on: true });
    const answers = await connection.write([
      { id: on.id, value: false },
      { id: brightness.id, value: 71 },
    ]);
    await bridge.order({ do: 'fail', on: false });
    expect(answers).toEqual([
      { id: on.id, status: -70402 },
      { id: brightness.id, status: 0 },
    ]);
    expect(await connection.read(['1.9999'])).toEqual([{ id: '1.9999', status: expect.any(Number) }]);
    expect((await connection.read(['1.9999']))[0]?.status).toBeLessThan(0);
  });

  test('a lock takes timed writes', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    const target = characteristic(connection, 'LockMechanism', 'LockTargetState');
    expect(target.perms).toContain('tw');
    expect(await connection.write([{ id: target.id, value: 0 }])).toEqual([{ id: target.id, status: 0 }]);
    await witness.told(characteristic(connection, 'LockMechanism', 'LockCurrentState').id, 0);
  });

  test('a press is told each time, and never made up by a read', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    expect(connection.accessories()).toHaveLength(6);
    const press = characteristic(connection, 'StatelessProgrammableSwitch', 'ProgrammableSwitchEvent');
    await bridge.order({ do: 'press', value: 0 });
    await witness.told(press.id, 0, 1);
    await bridge.order({ do: 'press', value: 0 });
    await witness.told(press.id, 0, 2);
    await connection.read([press.id]);
    expect(witness.values.filter(({ id }) => id === press.id)).toHaveLength(2);
  });

  test('comes back, subscribed, after the socket was destroyed', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    const motion = characteristic(connection, 'MotionSensor', 'MotionDetected');
    const move = async (value: boolean): Promise<void> =>
      await bridge.order({ do: 'set', service: 'motion', characteristic: 'Motion Detected', value });
    for (let round = 1; round <= 5; round += 1) {
      await bridge.order({ do: 'drop' });
      await witness.connected(round + 1);
      await move(true);
      await move(false);
      await witness.until('events', () => eventsOf(witness, motion.id) >= round * 2);
    }
    expect(witness.lists).toHaveLength(1);
  });

  test('notices an accessory that hangs, by polling, and comes back when it goes on', async () => {
    const witness = new Witness();
    const impatient = createHapController({
      log: silentLogger,
      clock: systemClock,
      minPauseMs: 20,
      maxPauseMs: 50,
      pollMs: 50,
      answerMs: 500,
    });
    await using connection = impatient.connect(pairing, witness);
    await witness.connected();
    bridge.freeze(true);
    await witness.until('down', () => connection.state === 'waiting');
    expect(connection.reason?.fault).toBe('timeout');
    bridge.freeze(false);
    await witness.connected(2);
  });

  test('whoever answers with another key is not the accessory', async () => {
    const witness = new Witness();
    const keys = { ...pairing.keys, accessoryPublicKey: pairing.keys.publicKey };
    await using connection = controller.connect({ ...pairing, keys }, witness);
    await witness.until('refused', () => witness.states.includes('waiting'));
    expect(connection.reason?.fault).toBe('impostor');
  });

  test('stops at any moment, twice', async () => {
    for (const ms of [0, 1, 2, 4, 8, 12, 20, 40]) {
      const connection = controller.connect(pairing, new Witness());
      // Any moment will do: which step of connecting it meets is what differs.
      await new Promise((resolve) => setTimeout(resolve, ms));
      await connection[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      expect(connection.state).toBe('stopped');
    }
  });

  test('reads the list again when told that it changed', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    await bridge.order({ do: 'grow' });
    connection.seen({ ...bridge.found, configNumber: 7 });
    await witness.until('a second list', () => witness.lists.length === 2);
    const on = characteristic(connection, 'Switch', 'On');
    await witness.until('its value', () => witness.values.some(({ id }) => id === on.id));
    await bridge.order({ do: 'set', service: 'grown', characteristic: 'On', value: true });
    await witness.until('event', () => eventsOf(witness, on.id) === 1);
  });

  test('comes back after a restart on another port, and tells what changed meanwhile', async () => {
    const witness = new Witness();
    await using connection = controller.connect(pairing, witness);
    await witness.connected();
    const brightness = characteristic(connection, 'Lightbulb', 'Brightness');
    expect(await connection.write([{ id: brightness.id, value: 90 }])).toEqual([
      { id: brightness.id, status: 0 },
    ]);
    await witness.told(brightness.id, 90);
    await bridge.kill();
    await witness.until('down', () => witness.states.includes('waiting'));
    expect(await faultOf(connection.read([brightness.id]))).toMatch(/unreachable|dropped/);
    await bridge.start(0);
    connection.seen(bridge.found);
    await witness.connected(2);
    await witness.told(brightness.id, 40);
    await bridge.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 55 });
    await witness.told(brightness.id, 55);
  });
});

function eventsOf(witness: Witness, id: string): number {
  return witness.values.filter((one) => one.id === id && one.isEvent).length;
}
