/// <reference types="node" />
/*
 * Builds src/ into dist/, when something changed since the last time or with --force; --check only tells by its exit
 * code whether dist/ is that of these sources, --fingerprint prints by what they are known. What has an influence on the
 * output is compared by content, because checking out and copying change the times of files.
 *
 * The types are checked, then the sources and the smaller libraries are joined into a few files: a small Pi reads and
 * resolves a handful of modules at start instead of six hundred. Libraries that load parts of themselves by path stay
 * in node_modules.
 *
 * The output goes into a folder of its own that is then renamed, so that an interrupted or failed build leaves the
 * last good dist/ (or none), never half of one. Standard output stays free for the hub.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Left where they are: CommonJS that requires its own parts at run time, and what is loaded seldom. */
const EXTERNAL = [/^node:/, /^@homebridge\//, /^pino/, /^aedes/, /^mqtt/, /^bonjour-service/, /^yaml/];
const ENTRIES = {
  main: 'src/main.ts',
  'checkpoint-worker': 'src/base/checkpoint-worker.ts',
  'maintenance-worker': 'src/base/maintenance-worker.ts',
  'database-worker': 'src/ops/backup/database-worker.ts',
};

/** The library for apps, without anything of the hub. Its core runs in browsers; what needs Node has its own entry. */
const CLIENT_ENTRIES = { client: 'src/client/client.ts', 'file-store': 'src/client/file-store.ts' };

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const STAMP = '.build-stamp';
const TEMPORARY = /^\.dist-(?:new|old)-(\d+)$/;

const stamp = fingerprint();
if (process.argv.includes('--fingerprint')) {
  process.stdout.write(`${stamp}\n`);
} else if (process.argv.includes('--check')) {
  process.exitCode = stamp === readStamp() ? 0 : 1;
} else if (process.argv.includes('--force') || stamp !== readStamp()) {
  removeLeftovers();
  process.exitCode = await build();
}

/** @returns {Promise<number>} the exit code */
async function build() {
  process.stderr.write('Building FunkyGibbon …\n');
  const output = join(root, `.dist-new-${process.pid}`);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  try {
    checkTypes();
    await bundle(output);
    if (existsSync(join(root, CLIENT_ENTRIES.client))) await bundleClient(join(output, 'client'));
  } catch (error) {
    rmSync(output, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The build failed. ${reason} The last good build, if any, is still in place.\n`);
    return 1;
  }
  writeFileSync(join(output, STAMP), stamp);
  install(output);
  return 0;
}

function checkTypes() {
  compile(['--project', join(root, 'tsconfig.build.json')]);
}

/** @param {string[]} args of the TypeScript compiler */
function compile(args) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, error } = spawnSync(process.execPath, [compiler, ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error('The compiler found errors (above).');
}

/** @param {string} output */
async function bundle(output) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: ENTRIES,
    cwd: root,
    external: EXTERNAL,
    platform: 'node',
    logLevel: 'warn',
  });
  await write(build, output);
  // One character beyond Latin-1 makes V8 keep the whole text of a file with two bytes for each of its characters.
  for (const name of readdirSync(output)) {
    const file = join(output, name);
    const code = readFileSync(file, 'utf8').replace(/[\u0100-\uffff]/g, escaped);
    writeFileSync(file, code);
  }
}

/** @param {string} output */
async function bundleClient(output) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: CLIENT_ENTRIES,
    cwd: root,
    external: [/^node:/],
    platform: 'neutral',
    logLevel: 'warn',
  });
  await write(build, output);
  compile(['--project', join(root, 'src/client/tsconfig.declarations.json'), '--outDir', output]);
}

/**
 * Not by `await using`: an installer asks with whatever Node is there whether the build is fresh.
 * @param {import('rolldown').RolldownBuild} build
 * @param {string} output
 */
async function write(build, output) {
  try {
    await build.write({ dir: output, format: 'esm', chunkFileNames: '[name].js', comments: false });
  } finally {
    await build.close();
  }
}

/** @param {string} unit one UTF-16 unit; such characters stand only in texts, where the escape means the same */
function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Puts the new folder in the place of the old one. Two builds may run at once: then the later one replaces the other.
 * @param {string} output
 */
function install(output) {
  const old = join(root, `.dist-old-${process.pid}`);
  for (let attemptsLeft = 10; ; attemptsLeft--) {
    try {
      if (existsSync(dist)) renameSync(dist, old);
      renameSync(output, dist);
      break;
    } catch (error) {
      rmSync(old, { recursive: true, force: true });
      if (attemptsLeft === 0) throw error;
    }
  }
  rmSync(old, { recursive: true, force: true });
}

/** A hash over everything that decides what the compiler writes. */
function fingerprint() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort((a, b) => (a < b ? -1 : 1));
  for (const name of [
    ...sources,
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    const content = readFileSync(join(root, name));
    hash.update(`${name}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function readStamp() {
  const path = join(dist, STAMP);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Removes what builds that were killed have left, but not what a build at work is about to rename. */
function removeLeftovers() {
  for (const name of readdirSync(root)) {
    const pid = TEMPORARY.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(root, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
