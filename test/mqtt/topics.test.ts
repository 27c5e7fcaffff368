import { expect, test } from 'vitest';

import { filterMatcher } from '../../src/mqtt/topics.ts';

test.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a/b/', false],
  ['+', 'a', true],
  ['+', 'a/b', false],
  ['+/b', 'a/b', true],
  ['+/b', '/b', true],
  ['+/+', 'a/', true],
  ['+/+', '/', true],
  ['+/+', 'a', false],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['a/+/c', 'a/bb/c', true],
  ['a/+/c', 'a/bb/cc', false],
  ['a/+/c', 'a/bb/c/', false],
  ['a/+/c', 'a//c', true],
  ['ab/+', 'a/b', false],
  ['a/+', 'ab/c', false],
  ['#', 'a/b', true],
  ['#', '$SYS/a', false],
  ['+/a', '$SYS/a', false],
  ['$SYS/#', '$SYS/a', true],
  ['a/#', 'a', true],
  ['a/#', 'a/', true],
  ['a/#', 'ab', false],
  ['a/#', 'a/b/c', true],
  ['a/+/#', 'a', false],
  ['a/+/#', 'a/b', true],
])('the filter %s lets %s through: %s', (filter, topic, expected) => {
  expect(filterMatcher(filter)(topic)).toBe(expected);
});
