import { expect, test } from 'vitest';

import { hostNameOf, isKnownOrigin } from '../../src/base/web-origin.ts';

test.each([
  ['hub.local:8000', 'hub.local'],
  ['HUB.Local.', 'hub.local'],
  ['192.168.1.2:8000', '192.168.1.2'],
  ['[fd00::7]:8443', 'fd00::7'],
  ['[::1]', '::1'],
  ['hub:', 'hub'],
  ['', null],
  ['a b', null],
  ['me@hub', null],
  ['hub/path', null],
  ['hub?x', null],
  ['hub#x', null],
  ['hub\\x', null],
  ['fd00::7', null],
  ['hub:80:90', null],
  ['h'.repeat(300), null],
])('%j is the name %j', (host, name) => {
  expect(hostNameOf(host)).toBe(name);
});

test.each([
  // No page at all, the hub's own, a listed one.
  [undefined, 'hub:8000', true],
  [undefined, undefined, true],
  ['http://hub:8000', 'hub:8000', true],
  ['http://HUB:8000', 'hub:8000', true],
  ['http://hub', 'hub', true],
  ['http://hub', 'hub:80', true],
  ['https://hub', 'hub:443', true],
  ['https://hub', 'hub', true],
  ['http://[fd00::7]:8000', '[fd00::7]:8000', true],
  ['https://panel.example', 'hub:8000', true],
  ['https://PANEL.example', 'hub:8000', true],
  // Another port is another origin, and whatever only looks like the hub is none of it.
  ['http://hub:3000', 'hub:8000', false],
  ['http://hub', 'hub:8000', false],
  ['http://hub.evil.example:8000', 'hub:8000', false],
  ['http://evil.example', 'hub:8000', false],
  ['https://panel.example.evil.example', 'hub:8000', false],
  ['http://panel.example', 'hub:8000', false],
  ['http://hub:8000', undefined, false],
  ['http://hub:8000', 'evil@hub:8000', false],
  ['null', 'hub:8000', false],
  ['', 'hub:8000', false],
  ['file://', 'hub:8000', false],
  ['ftp://hub:8000', 'hub:8000', false],
])('a request from %j to %j: %j', (origin, host, known) => {
  expect(isKnownOrigin(origin, host, ['https://panel.example'])).toBe(known);
});
