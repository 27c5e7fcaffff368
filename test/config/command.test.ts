import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { checkText, configSchema, printText } from '../../src/config/config-command.ts';
import { configAnswer, loadConfig, type LoadedConfig } from '../../src/config/config.ts';
import { KEY_NAMES } from '../../src/config/keys.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-command-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function load(yaml: string, env: Record<string, string> = {}, argv: string[] = []): LoadedConfig {
  const path = join(folder, 'hub.yaml');
  writeFileSync(path, yaml);
  return loadConfig({ argv: ['--config', path, ...argv], env, cwd: folder, stderrIsTty: false });
}

test('what is printed tells for each key what holds and who said so', () => {
  const loaded = load(
    'http:\n  port: 9000\n  cors_origins: [https://a.example, https://b.example]\n',
    { FUNKYGIBBON_HOME__NAME: 'Cottage' },
    ['--mdns.enabled', 'false'],
  );
  const lines = printText(loaded).split('\n');
  expect(lines).toHaveLength(KEY_NAMES.length);
  const lineOf = (key: string): string => lines.find((line) => line.startsWith(`${key} `)) ?? '';
  expect(lineOf('http.port')).toMatch(/ 9000 +\(.*hub\.yaml.*\)$/);
  expect(lineOf('http.cors_origins')).toContain('https://a.example, https://b.example');
  expect(lineOf('home.name')).toMatch(/ Cottage +\(environment FUNKYGIBBON_HOME__NAME\)$/);
  expect(lineOf('mdns.enabled')).toMatch(/ false +\(flag --mdns\.enabled\)$/);
  expect(lineOf('mqtt.port')).toMatch(/ 1883$/);
  expect(checkText(loaded)).toMatch(/is right[^]*hub\.yaml[^]*4 set/);
});

test('no secret is ever printed', () => {
  const loaded = load('', {
    FUNKYGIBBON_MQTT__PASSWORD: 'do not tell',
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: 'do not tell',
  });
  expect(printText(loaded)).not.toContain('do not tell');
  expect(JSON.stringify(loaded.effective)).not.toContain('do not tell');
  expect(printText(loaded)).toMatch(/^mqtt\.password +\(not shown\) +\(environment/m);
});

test('the words after config', () => {
  const loaded = load('');
  const flagsOf: (readonly string[])[] = [];
  const answer = (...words: string[]): string =>
    configAnswer(words, (flags) => {
      flagsOf.push(flags);
      return loaded;
    });
  expect(answer('check', '--http.port', '1')).toMatch(/is right/);
  expect(JSON.parse(answer('print', '--json', '--data-dir', 'x'))).toContainEqual({
    key: 'http.port',
    value: 8000,
    source: 'default',
  });
  expect(flagsOf).toEqual([
    ['--http.port', '1'],
    ['--data-dir', 'x'],
  ]);
  expect(JSON.parse(answer('schema'))).toMatchObject({ type: 'object' });
  expect(() => answer('chekc')).toThrow(/check, print or schema/);
});

test('the schema knows every key, with what it does, and no others', () => {
  const at = (path: string[]): Record<string, unknown> | undefined =>
    path.reduce<Record<string, unknown> | undefined>(
      (place, part) => (place?.['properties'] as Record<string, Record<string, unknown>> | undefined)?.[part],
      configSchema(),
    );
  for (const key of KEY_NAMES) expect(at(key.split('.'))?.['description'], key).toMatch(/\S \S.* Takes /);
  expect(at(['logging', 'level'])).toMatchObject({ enum: expect.arrayContaining(['info']), default: 'info' });
  expect(at(['mqtt', 'password_file'])).toMatchObject({ type: 'string' });
  expect(at(['mdns', 'enabled'])).toMatchObject({ default: true });
  expect(at(['http'])).toMatchObject({ additionalProperties: false });
});
