/**
 * The long run of the power-cut simulator (test/power-cut): many recorded runs, many cuts of each, one line of figures
 * for each setting. `node scripts/bench/power-cut.ts --images 2000 --control`; ends with 1 when the store's own line is
 * not clean, or a control is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildRecorder, canRecord, recordWorkload } from '../../test/power-cut/recorder.ts';
import { makeScratchFolder, simulatePowerCuts } from '../../test/power-cut/simulate.ts';

interface Setting {
  name: string;
  images: number;
  workload: readonly string[];
  honourSyncs?: boolean;
  failSyncs?: readonly number[];
  /** `bad` is a control: were it clean, the simulator would be blind. `either` is a variation that promises nothing. */
  mustBe: 'clean' | 'bad' | 'either';
}

interface Line {
  setting: string;
  images: number;
  corrupt: number;
  'schema gone': number;
  'acked missing': number;
  'copy missing': number;
  'WAL restarts': number;
  seconds: number;
}

/** The runs differ in how long a sync takes and how often a checkpoint comes, and so in what overlaps. */
const VARIETY = [
  { slowSyncUs: 300, checkpointEvery: 7 },
  { slowSyncUs: 1500, checkpointEvery: 12 },
  { slowSyncUs: 1500, checkpointEvery: 45 },
  { slowSyncUs: 6000, checkpointEvery: 20 },
] as const;
const IMAGES_PER_RUN = 250;

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    control: { type: 'boolean', default: false },
  },
});

if (!canRecord()) throw new Error('the recorder needs Linux and a C compiler (cc)');
const images = Number(values.images);
const settings: Setting[] = [{ name: 'the store', images, workload: [], mustBe: 'clean' }];
if (values.control) {
  const few = Math.ceil(images / 5);
  settings.push(
    {
      name: 'the store, one sync fails',
      images,
      workload: ['--commits=200'],
      failSyncs: [14, 17, 20, 22, 25, 28, 31, 34],
      mustBe: 'clean',
    },
    { name: 'control: no sync honoured', images: few, workload: [], honourSyncs: false, mustBe: 'bad' },
    { name: 'control: acknowledged at once', images: few, workload: ['--ack=at-once'], mustBe: 'bad' },
    { name: 'variation: synchronous=OFF', images, workload: ['--synchronous=OFF'], mustBe: 'either' },
  );
}

const scratch = makeScratchFolder();
try {
  const library = buildRecorder(scratch);
  const lines: Line[] = [];
  for (const setting of settings) {
    const line = await run(setting, library);
    lines.push(line);
    const bad = line.corrupt + line['schema gone'] + line['acked missing'] + line['copy missing'];
    if ((setting.mustBe === 'bad' && bad === 0) || (setting.mustBe === 'clean' && bad > 0))
      process.exitCode = 1;
  }
  console.table(lines);
  const slow = await measureSlowDisk(library);
  process.stdout.write(`150 ms disk: ${JSON.stringify(slow)}\n`);
} finally {
  rmSync(scratch, { recursive: true });
}

async function run(setting: Setting, library: string): Promise<Line> {
  const line: Line = {
    setting: setting.name,
    images: 0,
    corrupt: 0,
    'schema gone': 0,
    'acked missing': 0,
    'copy missing': 0,
    'WAL restarts': 0,
    seconds: 0,
  };
  const startedMs = performance.now();
  for (let number = 0; line.images < setting.images; number++) {
    const { slowSyncUs, checkpointEvery } = VARIETY[number % VARIETY.length] ?? VARIETY[0];
    const failSyncAt = setting.failSyncs?.[number % setting.failSyncs.length];
    const folder = mkdtempSync(join(scratch, 'run-'));
    const recording = await recordWorkload({
      library,
      folder,
      workload: [`--checkpoint-every=${checkpointEvery}`, ...setting.workload],
      slowSyncUs,
      ...(failSyncAt === undefined ? {} : { failSyncAt }),
    });
    const result = await simulatePowerCuts({
      ...recording,
      images: Math.min(IMAGES_PER_RUN, setting.images - line.images),
      seed: Number(values.seed) * 1000 + number,
      honourSyncs: setting.honourSyncs ?? true,
      scratch,
    });
    line.images += result.images;
    line['WAL restarts'] += result.walRestarts;
    for (const { cut, seed, verdict } of result.bad) {
      if (verdict.kind !== 'ok') line[verdict.kind] += 1;
      if (setting.mustBe === 'clean')
        process.stderr.write(`${setting.name}: ${JSON.stringify({ cut, seed, verdict })}\n`);
    }
    rmSync(folder, { recursive: true });
  }
  line.seconds = Math.round((performance.now() - startedMs) / 1000);
  return line;
}

/** What a bad card does to the event loop, with checkpoints going on. */
async function measureSlowDisk(library: string): Promise<object> {
  const folder = mkdtempSync(join(scratch, 'run-'));
  const { report } = await recordWorkload({
    library,
    folder,
    workload: ['--commits=400', '--pause-ms=10', '--checkpoint-every=80'],
    slowSyncUs: 150_000,
    keepRecord: false,
  });
  return report;
}
