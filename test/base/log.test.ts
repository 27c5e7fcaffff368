import { describe, expect, test } from 'vitest';

import { createLogger, prettyLine } from '../../src/base/log.ts';

function lineOf(fields: object): string {
  let written = '';
  const destination = { write: (line: string) => void (written += line) };
  createLogger({ level: 'trace', format: 'json', destination }).info(fields, 'said');
  return written;
}

describe('what must not be in a log', () => {
  test.each([
    'authorization',
    'password',
    'token',
    'access_token',
    'refresh_token',
    'passphrase',
    'api_key',
    'pin',
    'accessToken',
    'refreshToken',
    'jwtSecret',
    'apiKey',
    'adminPassword',
    'mqttPassword',
    'homekitPin',
    'setupCode',
  ])('%s is left out at any of three depths, and of an error', (key) => {
    const one = { [key]: 'hunter2' };
    for (const fields of [one, { a: one }, { a: { b: one } }, { err: Object.assign(new Error('x'), one) }]) {
      const line = lineOf(fields);
      expect(line).not.toContain('hunter2');
      expect(line).toContain('[redacted]');
    }
  });
});

test('what comes from outside writes no line of its own, and the terminal obeys none of it', () => {
  const topic =
    'a\n12:00:00   access   the owner was set up\r\u001b]0;title\u0007\u001b[2J\u009b1m\u202e\u2028';
  for (const fields of [{ topic }, { a: { topic } }, { err: new Error(topic) }, { part: topic }]) {
    const text = prettyLine(lineOf(fields));
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(text).toContain('the owner was set up');
  }
  expect(prettyLine(lineOf({ name: 'Küche – 21 °C' }))).toContain('Küche – 21 °C');
});
