import { systemClock, toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { readHubVersion } from '../base/version.ts';
import { absentHubChecks, machineChecks, type DoctorConfig } from './health/doctor.ts';
import { CheckRunner } from './health/runner.ts';
import { counted } from './io.ts';

export type { DoctorConfig } from './health/doctor.ts';

export interface DoctorOrder {
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** Reads the words after `doctor`. */
export function readDoctorOrder(words: readonly string[]): DoctorOrder {
  const configFlags = words.filter((word) => word !== '--json');
  const stray = configFlags[0];
  if (stray !== undefined && !stray.startsWith('-')) {
    throw new HubError(
      'invalid',
      'doctor takes --json, and the flags of the configuration: see `funkygibbon help`.',
    );
  }
  return { json: configFlags.length < words.length, configFlags };
}

/** What the doctor needs of whoever runs it. */
export interface DoctorVisit {
  /** Null where the configuration cannot be read. */
  readonly config: DoctorConfig | null;
  /** Why it cannot be, for a person. */
  readonly configProblem: string | null;
  /** Has the running hub look at everything; `found` is told of each piece. Null where no hub runs. */
  readonly askHub: ((found: (piece: Uint8Array) => Promise<void>) => Promise<unknown>) | null;
  readonly progress: (text: string) => void;
}

/** One thing that was looked at, as the API tells it. */
interface Line {
  readonly name: string;
  readonly status: string;
  readonly summary: string;
  readonly what_to_do: string | null;
}

/** Looks at the hub, and at the machine around it. `ok` is false where there is something to be done. */
export async function runDoctor(
  order: DoctorOrder,
  visit: DoctorVisit,
): Promise<{ text: string; ok: boolean }> {
  const { config, askHub } = visit;
  visit.progress('Looking at the machine …');
  const own = await lookAt([...machineChecks(config), ...(config && !askHub ? absentHubChecks(config) : [])]);
  const lines: Line[] = [
    configLine(visit),
    ...own,
    ...(askHub ? await hubLines(askHub, visit.progress) : []),
  ];
  const problems = lines.filter(({ status }) => status === 'warn' || status === 'fail');
  const ok = problems.length === 0;
  const report = {
    ok,
    version: readHubVersion(),
    hub_runs: askHub !== null,
    checked_at: toIso(systemClock.nowMs()),
    checks: lines,
  };
  return { text: order.json ? JSON.stringify(report) : doctorText(lines, askHub !== null), ok };
}

async function lookAt(checks: Parameters<typeof toRunners>[0]): Promise<Line[]> {
  const runners = toRunners(checks);
  await Promise.all(runners.map(async (runner) => await runner.look()));
  return runners.map((runner) => {
    const { name, status, summary, whatToDo } = runner.now();
    return { name, status, summary, what_to_do: whatToDo ?? null };
  });
}

function toRunners(checks: readonly ConstructorParameters<typeof CheckRunner>[0][]): CheckRunner[] {
  return checks.map((check) => new CheckRunner(check, systemClock));
}

function configLine({ config, configProblem }: DoctorVisit): Line {
  if (configProblem !== null) {
    return {
      name: 'config',
      status: 'fail',
      summary: configProblem,
      what_to_do: 'Correct what it names; config/hub.example.yaml shows every key.',
    };
  }
  const summary = config?.file ? `${config.file} is in order.` : 'There is no file; the defaults hold.';
  return { name: 'config', status: 'ok', summary, what_to_do: null };
}

async function hubLines(
  ask: NonNullable<DoctorVisit['askHub']>,
  progress: (text: string) => void,
): Promise<Line[]> {
  let looked = 0;
  progress('Asking the hub; it browses the network for itself, which takes some seconds …');
  const reply = await ask(async () => {
    looked += 1;
    progress(`Asking the hub: ${counted(looked, 'thing')} looked at …`);
    await Promise.resolve();
  });
  // The running hub and this command are one program: what it answers has the type it was given.
  return (reply as { readonly checks: readonly Line[] }).checks.map(
    ({ name, status, summary, what_to_do }) => ({
      name,
      status,
      summary,
      what_to_do,
    }),
  );
}

const MARKS: Readonly<Record<string, string>> = { ok: '✓', warn: '!', fail: '✗', off: '·' };
const NAME_WIDTH = 15;
const TEXT_WIDTH = 84;
const INDENT = ' '.repeat(NAME_WIDTH + 4);

/** The outcome for a person at a terminal, what is wrong last, where the eye is. */
export function doctorText(lines: readonly Line[], hubRuns: boolean): string {
  const isProblem = ({ status }: Line): boolean => status === 'warn' || status === 'fail';
  const problems = lines.filter(isProblem);
  const end =
    problems.length === 0
      ? `All is well${hubRuns ? '' : ', as far as it can be seen while no hub runs'}.`
      : `${counted(problems.length, 'problem')}: see what is marked with ! or ✗.`;
  const rest = lines.filter((line) => !isProblem(line));
  const blocks = [rest.map(lineText).join('\n'), problems.map(lineText).join('\n\n'), end];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function lineText({ name, status, summary, what_to_do: advice }: Line): string {
  const head = `${MARKS[status] ?? '?'} ${name.replaceAll('_', ' ').padEnd(NAME_WIDTH)}  `;
  const text = `${head}${wrapped(summary)}`;
  return advice === null ? text : `${text}\n${INDENT}→ ${wrapped(advice, '  ')}`;
}

/** In lines that a terminal shows whole. What comes from outside writes no line of its own, and steers no terminal. */
function wrapped(text: string, more = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > TEXT_WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${INDENT}${more}`);
}
