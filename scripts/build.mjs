/// <reference types="node" />
/*
 * Compiles src/ into dist/, when something changed since the last time or with --force. What has an influence on the
 * output is compared by content, because checking out and copying change the times of files.
 *
 * The compiler writes into a folder of its own that is then renamed, so that an interrupted or failed build leaves the
 * last good dist/ (or none), never half of one. Standard output stays free for the hub.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const STAMP = '.build-stamp';
const TEMPORARY = /^\.dist-(?:new|old)-(\d+)$/;

const stamp = fingerprint();
if (process.argv.includes('--force') || stamp !== readStamp()) {
  removeLeftovers();
  process.exitCode = build();
}

/** @returns {number} the exit code */
function build() {
  process.stderr.write('Building FunkyGibbon …\n');
  const output = join(root, `.dist-new-${process.pid}`);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '--project', join(root, 'tsconfig.build.json'), '--outDir', output];
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    rmSync(output, { recursive: true, force: true });
    const reason = error === undefined ? 'The compiler found errors (above).' : error.message;
    process.stderr.write(`The build failed. ${reason} The last good build, if any, is still in place.\n`);
    return 1;
  }
  writeFileSync(join(output, STAMP), stamp);
  install(output);
  return 0;
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
