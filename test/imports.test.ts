import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { checkImports, readSourceFile } from './imports.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

function readTree(): Record<string, string> {
  const paths = readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.map((path) => [relative(SRC, path).replaceAll(sep, '/'), readFileSync(path, 'utf8')]),
  );
}

function check(tree: Record<string, string>): string[] {
  return checkImports(Object.entries(tree).map(([file, source]) => readSourceFile(file, source)));
}

test('every import of src points down the rows of the house and goes through a door', () => {
  const tree = readTree();
  expect(Object.keys(tree)).toContain('config/config.ts');
  expect(check(tree)).toEqual([]);
});

test('the reader sees an import of every file of src that has one', () => {
  const blind = Object.entries(readTree())
    .filter(([, source]) => /^import\b/m.test(source))
    .filter(
      ([file, source]) =>
        readSourceFile(file, source).imports.length < (source.match(/^import\b/gm)?.length ?? 0),
    );
  expect(blind.map(([file]) => file)).toEqual([]);
});

describe('in a made-up house', () => {
  const HOUSE: Readonly<Record<string, string>> = {
    'main.ts':
      "import { startHub } from './hub.ts';\nimport { loadConfig } from './config/config.ts';\nprocess.env;",
    'hub.ts':
      "import type { HubConfig } from './config/config.ts';\nimport { startMqtt } from './mqtt/mqtt.ts';",
    'config/config.ts':
      "import { keys } from './keys.ts';\nimport '../base/errors.ts';\nprocess.env['HOME'];",
    'config/keys.ts': "import { z } from 'zod';",
    'mqtt/mqtt.ts':
      "import { render } from './template/render.ts';\nimport type { X } from '../devices/types.ts';",
    'mqtt/template/render.ts':
      "import { limit } from '../limits.ts';\nimport { graph } from '../../graph/graph.ts';",
    'mqtt/limits.ts': "export { HubError } from '../base/errors.ts';\nexport const limit = 1;",
    'http/http.ts': "const lazy = await import('../sync/sync.ts');",
    'devices/devices.ts': "import { Unknown } from '../graph/errors.ts';",
    'devices/types.ts': '',
    'devices/rules.ts': '',
    'sync/sync.ts': "import { open } from '../access/access.ts';",
    'graph/graph.ts': "import { read } from './reader.ts';\nimport { sql } from '../base/deep/sql.ts';",
    'graph/reader.ts': '',
    'graph/errors.ts': '',
    'access/access.ts':
      '// import { nothing } from "../mqtt/mqtt.ts"\n/* process.env */ const text = "// process";',
    'base/errors.ts': "import { sql } from './deep/sql.ts';",
    'base/deep/sql.ts': '',
  };

  test('that keeps the rules, nothing is found', () => {
    expect(check({ ...HOUSE })).toEqual([]);
  });

  test.each([
    // Up and sideways.
    ['base/errors.ts', "import { x } from '../graph/graph.ts';", 'it points up'],
    ['graph/reader.ts', "import type { X } from '../devices/types.ts';", 'it points up'],
    ['graph/reader.ts', "import { x } from '../access/access.ts';", 'it points sideways'],
    ['devices/rules.ts', "import { x } from '../sync/sync.ts';", 'it points sideways'],
    ['devices/rules.ts', "import { x } from '../mqtt/mqtt.ts';", 'it points up'],
    ['http/http.ts', "import { x } from '../mqtt/mqtt.ts';", 'it points sideways'],
    ['mqtt/template/render.ts', "import { x } from '../../http/http.ts';", 'it points sideways'],
    ['mqtt/mqtt.ts', "import { x } from '../hub.ts';", 'it points up'],
    ['hub.ts', "import { x } from './main.ts';", 'it points up'],
    // Past the door.
    [
      'mqtt/mqtt.ts',
      "import { x } from '../devices/rules.ts';",
      'it is inside of devices; the door is devices/devices.ts',
    ],
    ['hub.ts', "import { x } from './graph/reader.ts';", 'it is inside of graph; the door is graph/graph.ts'],
    [
      'hub.ts',
      "import { x } from './config/keys.ts';",
      'it is inside of config; the door is config/config.ts',
    ],
    [
      'hub.ts',
      "import { x } from './mqtt/template/render.ts';",
      'it is inside of mqtt; the door is mqtt/mqtt.ts',
    ],
    // Config.
    ['http/http.ts', "import type { X } from '../config/config.ts';", 'config is for main and hub only'],
    ['config/keys.ts', "import { x } from '../graph/graph.ts';", 'it points sideways'],
    // However it is written.
    ['base/errors.ts', "import '../graph/graph.ts';", 'it points up'],
    ['base/errors.ts', "import x from\n  '../graph/graph.ts'", 'it points up'],
    ['base/errors.ts', 'import * as x from "../graph/graph.ts";', 'it points up'],
    ['base/errors.ts', "import {\n  a,\n  type b,\n} from '../graph/graph.ts';", 'it points up'],
    ['base/errors.ts', "const x = await import(\n '../graph/graph.ts');", 'it points up'],
    ['base/errors.ts', "type X = import('../graph/graph.ts').X;", 'it points up'],
    ['base/errors.ts', "export { x } from '../graph/graph.ts';\nexport const y = 1;", 'it points up'],
    ['base/errors.ts', "export type { X } from '../graph/graph.ts';\nexport const y = 1;", 'it points up'],
    ['base/errors.ts', "new Worker(new URL('../graph/graph.ts', import.meta.url));", 'it points up'],
    ['base/errors.ts', "const url = 'http://x'; import('../graph/graph.ts'); // it's", 'it points up'],
    // Paths.
    ['http/http.ts', "import { x } from '../sync/sync';", 'a relative import ends in .ts'],
    ['http/http.ts', "import { x } from '../sync/sync.js';", 'a relative import ends in .ts'],
    ['http/http.ts', "import { x } from '../../test/help.ts';", 'it leaves src'],
    ['http/http.ts', "import { x } from '#sync/sync.ts';", 'write a relative path'],
    ['http/http.ts', "import { x } from './nothing.ts';", 'there is no such file'],
  ])('%s with %j is caught', (file, source, fault) => {
    const specifier = /(['"])([.#].*?)\1/.exec(source)?.[2];
    expect(check({ ...HOUSE, [file]: source })).toContainEqual(`${file} imports ${specifier}: ${fault}`);
  });

  test.each([
    ['mqtt/index.ts', 'export const x = 1;', 'mqtt/index.ts is a barrel'],
    ['mqtt/types.ts', "import './limits.ts';\nexport * from './limits.ts';", 'mqtt/types.ts is a barrel'],
    [
      'mqtt/all.ts',
      "export { limit } from './limits.ts';\nexport type { X } from './mqtt.ts';",
      'mqtt/all.ts is a barrel',
    ],
    ['attic/attic.ts', '', 'attic/attic.ts lies outside of every row; give attic a place in the table'],
    ['helpers.ts', '', 'helpers.ts lies outside of every row; give helpers a place in the table'],
  ])('%s with %j is not allowed', (file, source, fault) => {
    expect(check({ ...HOUSE, [file]: source })).toEqual([fault]);
  });

  test.each([
    'const home = process.env.HOME;',
    "process.env['HOME'];",
    "process['env'];",
    'process?.env;',
    'const { env, argv } = process;',
    "import { env } from 'node:process';",
    '`${process.env.HOME}`;',
  ])('a door that reads the environment by %j is caught', (source) => {
    const fault = 'http/http.ts reads the environment, which is for main.ts and config only';
    expect(check({ ...HOUSE, 'http/http.ts': source })).toEqual([fault]);
  });

  test('a ring of folders is caught, even one that the rows would not notice', () => {
    const faults = check({
      'attic/attic.ts': "import '../cellar/cellar.ts';",
      'cellar/cellar.ts': "import '../loft/loft.ts';",
      'loft/loft.ts': "import '../attic/attic.ts';",
    });
    expect(faults).toContain('folders import each other in a ring: attic > cellar > loft > attic');
  });
});
