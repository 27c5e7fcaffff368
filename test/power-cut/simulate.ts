import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FileRecord } from './records.ts';

import { checkImage, type Told, type Verdict } from './checker.ts';
import { DiskModel } from './disk-model.ts';
import { Random } from './random.ts';
import { readRecords } from './records.ts';

export interface SimulationOptions {
  dataFolder: string;
  logFile: string;
  images: number;
  seed: number;
  /** False for the control in which no sync of a file reaches the disk. */
  honourSyncs?: boolean;
  /** An empty folder for the images. */
  scratch: string;
}

export interface BadImage {
  /** The cut is before this record; with the seed of the image it makes the same image again. */
  cut: number;
  seed: number;
  verdict: Verdict;
}

export interface SimulationResult {
  images: number;
  bad: BadImage[];
  /** How often the WAL was begun anew in the recorded run: the moments at which order matters most. */
  walRestarts: number;
}

/** A folder in memory where there is one: images need no real disk, and their syncs cost nothing there. */
export function makeScratchFolder(): string {
  const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true;
  return mkdtempSync(join(memory ? '/dev/shm' : tmpdir(), 'power-cut-'));
}

/** Cuts the power at many moments of one recorded run, and checks what is left each time. */
export async function simulatePowerCuts(options: SimulationOptions): Promise<SimulationResult> {
  const records = readRecords(options.logFile);
  const random = new Random(options.seed);
  const cuts = chooseCuts(records, options.images, random);
  const model = new DiskModel(options.dataFolder, options.honourSyncs ?? true);
  const told: Told = { steps: 1, openedSteps: 0, acked: 0 };
  const result: SimulationResult = { images: 0, bad: [], walRestarts: countWalRestarts(records) };
  let position = 0;
  for (const cut of cuts) {
    for (const record of records.slice(position, cut)) {
      model.apply(record);
      if (record.type === 'ack') hear(told, record.text);
    }
    position = cut;
    const image = join(options.scratch, `image-${result.images}`);
    mkdirSync(image);
    const seed = random.below(2 ** 31);
    model.writeImage(image, seed);
    const verdict = await checkImage(image, told);
    if (verdict.kind !== 'ok') result.bad.push({ cut, seed, verdict });
    rmSync(image, { recursive: true });
    result.images += 1;
  }
  return result;
}

function hear(told: Told, text: string): void {
  for (const line of text.trimEnd().split('\n')) {
    const [what, value] = line.split(' ');
    const number = Number(value);
    if (what === 'opening') told.steps = number;
    else if (what === 'opened') told.openedSteps = number;
    else if (what === 'commit') told.acked = Math.max(told.acked, number);
    else throw new Error(`not an acknowledgement: ${line}`);
  }
}

/** Half anywhere, half within a few operations of those at which the order of things on the disk matters. */
function chooseCuts(records: readonly FileRecord[], count: number, random: Random): number[] {
  const turning = [...records.entries()]
    .filter(([, record]) => isTurningPoint(record))
    .map(([index]) => index);
  const cuts = Array.from({ length: count }, () => {
    if (turning.length === 0 || random.chance(0.5)) return random.below(records.length + 1);
    return Math.min(records.length, random.pick(turning) + random.below(12));
  });
  return cuts.toSorted((a, b) => a - b);
}

function isTurningPoint(record: FileRecord): boolean {
  if (record.type === 'write') return record.offset === 0;
  return !['ack', 'close', 'open'].includes(record.type) || (record.type === 'open' && record.created);
}

function countWalRestarts(records: readonly FileRecord[]): number {
  const walDescriptors = new Set<number>();
  let restarts = 0;
  for (const record of records) {
    if (record.type === 'open' && record.path.endsWith('-wal')) walDescriptors.add(record.fd);
    else if (record.type === 'close') walDescriptors.delete(record.fd);
    else if (record.type === 'write' && record.offset === 0 && walDescriptors.has(record.fd)) restarts += 1;
  }
  return restarts;
}
