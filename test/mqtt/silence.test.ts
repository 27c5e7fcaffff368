import type { MqttClient } from 'mqtt';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { announce, startHouse, type House } from './harness.ts';

let house: House;
let device: MqttClient;
beforeEach(async () => {
  house = await startHouse();
  device = await house.connect();
});
afterEach(async () => await house[Symbol.asyncDispose]());

const motion = (version: string): object => ({
  state_topic: 'pir',
  off_delay: 0.3,
  device_class: 'motion',
  device: { identifiers: ['pir'], sw_version: version },
});
const thermometer = (version: string): object => ({
  state_topic: 'attic',
  expire_after: 0.3,
  unit_of_measurement: '°C',
  device_class: 'temperature',
  device: { identifiers: ['attic'], sw_version: version },
});
const MOTION = 'binary_sensor/pir';
const THERMOMETER = 'sensor/attic';
const last = (id: string) => house.registry.reports.findLast(({ componentId }) => componentId === id);

describe('what a device said before the hub or its description started anew ends by itself', () => {
  test('motion of before a restart is over after its off_delay, where it is still shown', async () => {
    await announce(device, `homeassistant/${MOTION}/config`, motion('1'));
    await vi.waitFor(() => expect(last(MOTION)).toMatchObject({ value: false, insteadOf: true }));
  });

  test('a value of before a restart expires', async () => {
    await announce(device, `homeassistant/${THERMOMETER}/config`, thermometer('1'));
    await vi.waitFor(() => expect(last(THERMOMETER)).toMatchObject({ value: null, isKept: true }));
  });

  test('a new description in between stops neither', async () => {
    await announce(device, `homeassistant/${MOTION}/config`, motion('1'));
    await announce(device, `homeassistant/${THERMOMETER}/config`, thermometer('1'));
    await vi.waitFor(async () => {
      await device.publishAsync('pir', 'ON');
      await device.publishAsync('attic', '21');
      expect(last(MOTION)?.value).toBe(true);
      expect(last(THERMOMETER)?.value).toBe(21);
    });
    await announce(device, `homeassistant/${MOTION}/config`, motion('2'));
    await announce(device, `homeassistant/${THERMOMETER}/config`, thermometer('2'));
    await vi.waitFor(() => expect(last(MOTION)?.value).toBe(false));
    await vi.waitFor(() => expect(last(THERMOMETER)?.value).toBe(null));
  });
});

test('what the broker kept is told as such', async () => {
  const config = { ...thermometer('1'), expire_after: 60 };
  await device.publishAsync('attic', '20', { retain: true, qos: 1 });
  await announce(device, `homeassistant/${THERMOMETER}/config`, config);
  await vi.waitFor(() => expect(last(THERMOMETER)).toMatchObject({ value: 20, isKept: true }));
  await device.publishAsync('attic', '22', { retain: true, qos: 1 });
  await vi.waitFor(() => expect(last(THERMOMETER)?.value).toBe(22));
  expect(last(THERMOMETER)?.isKept).toBeUndefined();
});
