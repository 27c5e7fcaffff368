import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { silentLogger } from '../../src/base/log.ts';
import { urlForOthers } from '../../src/cli/address.ts';
import { askHub } from '../../src/cli/ask.ts';
import { readAskOrder } from '../../src/cli/cli.ts';
import { startControl } from '../../src/cli/control.ts';
import { welcomeText } from '../../src/cli/welcome.ts';
import { temporaryFolder } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

describe('the control socket', () => {
  const handlers = {
    status: () => ({ up: true }),
    broken: () => {
      throw new Error('no such luck');
    },
  };

  test('answers a command, for the hub’s user only', async () => {
    const path = join(folder.path, 'hub.sock');
    await using _control = await startControl({ path, handlers, log: silentLogger });
    expect(await askHub(path, 'status')).toEqual({ up: true });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('says what it does not know and what went wrong', async () => {
    const path = join(folder.path, 'hub.sock');
    await using _control = await startControl({ path, handlers, log: silentLogger });
    await expect(askHub(path, 'constructor')).rejects.toThrow(/does not know the command "constructor"/);
    await expect(askHub(path, 'broken')).rejects.toThrow('no such luck');
  });

  test('takes the place of a socket that a killed hub left behind, and is gone at stop', async () => {
    const path = join(folder.path, 'hub.sock');
    for (let start = 0; start < 2; start++) {
      const control = await startControl({ path, handlers, log: silentLogger });
      expect(await askHub(path, 'status')).toEqual({ up: true });
      await control[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
    }
    await expect(askHub(path, 'status')).rejects.toThrow(/no hub runs on it/);
  });

  test('survives rubbish and a client that never ends its line', async () => {
    const path = join(folder.path, 'hub.sock');
    await using _control = await startControl({ path, handlers, log: silentLogger });
    const rubbish = connect(path);
    rubbish.write('{"command":\n');
    expect(JSON.parse(await text(rubbish))).toHaveProperty('error');
    const endless = connect(path);
    endless.on('error', () => undefined);
    endless.write('x'.repeat(10_000));
    expect(await text(endless).catch(() => '')).toBe('');
    expect(await askHub(path, 'status')).toEqual({ up: true });
  });
});

describe('the words after pair', () => {
  test.each([
    [[], undefined, []],
    [['--phone'], null, []],
    [['--phone', 'anna'], 'anna', []],
    [['--phone=anna', '--data-dir', 'x'], 'anna', ['--data-dir', 'x']],
    [['--data-dir', 'x', '--phone', '--json'], null, ['--data-dir', 'x']],
    [['--phone', '--data-dir', 'x'], null, ['--data-dir', 'x']],
  ] as const)('%j', (words: readonly string[], phone, configFlags) => {
    const json = words.includes('--json');
    expect(readAskOrder('pair', words)).toEqual({ command: 'pair', json, phone, configFlags });
  });

  test('status knows no phone', () => {
    expect(readAskOrder('status', ['--phone', 'a']).configFlags).toEqual(['--phone', 'a']);
  });
});

describe('what a person is shown', () => {
  const nothing = { httpUrl: 'http://127.0.0.1:8000', homekit: null, mqtt: null, setupCode: null };

  test('an unpaired bridge shows a QR code and the code in digits', () => {
    const shown = welcomeText({
      ...nothing,
      homekit: { pin: '031-45-154', username: 'A', port: 1, setupUri: 'X-HM://0023ISYWYABCD', paired: false },
    });
    expect(shown).toContain('031-45-154');
    expect(shown.split('\n').filter((line) => /[█▀▄]{5}/u.test(line)).length).toBeGreaterThan(10);
  });

  test('MQTT shows the file with the password and not the password', () => {
    const mqtt = {
      url: 'mqtt://h:1883',
      username: 'home',
      password: 'hidden!',
      file: '/data/mqtt-credentials.json',
    };
    const shown = welcomeText({ ...nothing, mqtt });
    expect(shown).toContain('/data/mqtt-credentials.json');
    expect(shown).not.toContain('hidden!');
  });

  test('MQTT shows a password that stands sealed in its file', () => {
    const login = { username: 'home', password: 'to be typed', file: '/data/x.json', sealed: true };
    const shown = welcomeText({ ...nothing, mqtt: { url: 'mqtt://h:1883', ...login } });
    expect(shown).toContain('to be typed');
    expect(shown).not.toContain('x.json');
  });

  test('a hub that is set up and paired has nothing to ask', () => {
    expect(welcomeText(nothing)).toBe('');
  });

  test('an address that others can use, unless the hub listens on one only', () => {
    expect(urlForOthers('http://127.0.0.1:8000', '127.0.0.1')).toBe('http://127.0.0.1:8000');
    expect(urlForOthers('http://127.0.0.1:8000', '0.0.0.0')).toMatch(/^http:\/\/[\d.]+:8000$/);
  });
});
