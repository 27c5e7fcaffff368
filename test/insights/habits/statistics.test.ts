import { expect, test } from 'vitest';

import {
  benjaminiHochberg,
  binomialTail,
  circularDifference,
  circularSpread,
  firstFrom,
  hasWithin,
  median,
  wilsonLower,
} from '../../../src/insights/habits/statistics.ts';

test('the lower end of Wilson’s interval', () => {
  // Values of the textbook formula, worked out by hand.
  expect(wilsonLower(14, 14)).toBeCloseTo(0.7847, 4);
  expect(wilsonLower(12, 14)).toBeCloseTo(0.6006, 4);
  expect(wilsonLower(7, 7)).toBeCloseTo(0.6457, 4);
  expect(wilsonLower(0, 10)).toBe(0);
  expect(wilsonLower(0, 0)).toBe(0);
  for (let hits = 1; hits <= 30; hits++)
    expect(wilsonLower(hits, 30)).toBeGreaterThan(wilsonLower(hits - 1, 30));
});

test('the tail of the binomial distribution', () => {
  expect(binomialTail(0, 10, 0.3)).toBe(1);
  expect(binomialTail(10, 10, 0.5)).toBeCloseTo(1 / 1024, 10);
  expect(binomialTail(5, 10, 0.5)).toBeCloseTo(638 / 1024, 10);
  expect(binomialTail(14, 14, 0.04)).toBeCloseTo(0.04 ** 14, 25);
  expect(binomialTail(3, 10, 0)).toBe(0);
  expect(binomialTail(3, 10, 1)).toBe(1);
  expect(binomialTail(1, 1000, 0.0001)).toBeCloseTo(1 - 0.9999 ** 1000, 10);
});

test('of many tries few are believed', () => {
  expect(benjaminiHochberg([0.01, 0.02, 0.03, 0.5], 4, 0.05)).toEqual([true, true, true, false]);
  expect(benjaminiHochberg([0.01, 0.02, 0.03, 0.5], 400, 0.05)).toEqual([false, false, false, false]);
  // One that fails by itself stands when a worse one does.
  expect(benjaminiHochberg([0.03, 0.04], 2, 0.05)).toEqual([true, true]);
  expect(benjaminiHochberg([], 5, 0.05)).toEqual([]);
});

test('times of day are round', () => {
  expect(circularDifference(5, 1435)).toBe(10);
  expect(circularDifference(1435, 5)).toBe(-10);
  expect(circularDifference(720, 0)).toBe(-720);
  expect(circularSpread([0, 0, 0])).toBeCloseTo(0, 5);
  expect(circularSpread([-10, 10])).toBeCloseTo(10, 1);
  expect(circularSpread([])).toBe(0);
});

test('ascending numbers are found', () => {
  expect([0, 1, 2, 3].map((least) => firstFrom([1, 2, 2], least))).toEqual([0, 0, 1, 3]);
  expect(hasWithin([1, 5], 2, 4)).toBe(false);
  expect(hasWithin([1, 5], 2, 5)).toBe(true);
  expect(median([3, 1])).toBe(2);
  expect(median([5, 1, 3])).toBe(3);
});
