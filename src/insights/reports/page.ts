import { hash } from 'node:crypto';

import type { HomeReport } from './schema.ts';

import { energyFigures, energyPart } from './page-energy.ts';
import { usagePart } from './page-usage.ts';
import * as format from './format.ts';
import { markup, Markup } from './markup.ts';
import { STYLE } from './style.ts';
import { reportTitle, silentLines } from './text.ts';

/** Nothing runs, loads, is sent or frames it: one style, known by its hash. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** From this share on the hub counts as having run all the time: a restart for an update takes a minute. */
const RAN = 0.995;
const MAX_GAPS = 10;

/**
 * A report as one page with everything in it. The same report gives the same page, byte for byte. It carries its own
 * policy, which holds for a page that was saved or mailed, too.
 */
export function reportPage(report: HomeReport): string {
  const { kind, period, home } = report;
  const kicker = { daily: 'Daily report', weekly: 'Weekly report', monthly: 'Monthly report' }[kind];
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${home}: ${reportTitle(report)}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="kicker">${kicker} of ${home}</p>
<h1>${format.periodTitle(report)}</h1>
</header>
<dl class="figures">${figures(report).map(
    ([name, value, unit]) =>
      markup`<div><dt>${name}</dt><dd>${value}${unit === '' ? null : markup` <small>${unit}</small>`}</dd></div>`,
  )}</dl>
${gapPart(report)}
${energyPart(report)}
${usagePart(report)}
${devicePart(report)}
${listPart('Phones', report.phones.no_data, silentLines(report))}
${automationPart(report)}
${suggestionPart(report)}
${jobPart(report)}
<footer><p class="soft">Made ${format.wallTime(report.made_at, period.timezone)}. All times are those of ${period.timezone}. What is not known is left out of every figure, and never guessed.</p></footer>
</main>
</body>
</html>
`.text;
}

function figures(report: HomeReport): (readonly [string, string, string])[] {
  const { hub, usage } = report;
  const activity = [
    usage.no_data === null
      ? (['Things that happened', String(usage.events), ''] as const)
      : (['Things that happened', '–', ''] as const),
    ['The hub ran', hub.no_data === null ? format.percent(hub.covered) : '–', 'of the time'] as const,
  ];
  return [...energyFigures(report), ...activity].slice(0, 4);
}

function gapPart({ hub, period }: HomeReport): Markup | null {
  if (hub.no_data !== null) return markup`<div class="warn"><p>${hub.no_data}</p></div>`;
  if (hub.covered >= RAN) return null;
  const wall = (iso: string): string => format.wallTime(iso, period.timezone);
  const told = hub.gaps.slice(0, MAX_GAPS).map(({ from, to }) => `${wall(from)} to ${wall(to)}`);
  const rest = hub.gaps.length - told.length;
  const begun = hub.recorded_since !== null && hub.recorded_since > period.from;
  return markup`<div class="warn"><p>The hub ran for ${format.percent(hub.covered)} of this time. What happened otherwise is in no figure.</p>${
    begun ? markup`<p>Its records begin ${wall(hub.recorded_since ?? '')}.</p>` : null
  }${told.length === 0 ? null : markup`<p>It did not run from ${told.join('; ')}${rest > 0 ? `, and ${rest} times more` : ''}.</p>`}</div>`;
}

function devicePart({ devices, period }: HomeReport): Markup {
  const { unreachable, low_battery: low, no_data: noData } = devices;
  const lines = [
    ...unreachable.map(({ name }) => markup`<li>${name}<br><span class="soft">cannot be reached</span></li>`),
    ...low.map(
      ({ name, percent }) =>
        markup`<li>${name}<br><span class="soft">battery low${percent === null ? '' : `, ${percent} %`}</span></li>`,
    ),
  ];
  const asOf = `As of ${format.wallTime(devices.as_of, period.timezone)}, of ${format.counted(devices.total, 'device')}.`;
  return markup`<section><h2>Devices that need a look</h2>${
    noData === null
      ? markup`<p class="soft">${asOf}</p>${lines.length === 0 ? markup`<p>All can be reached, and no battery is low.</p>` : markup`<ul class="plain">${lines}</ul>`}`
      : markup`<p>${noData}</p>`
  }</section>`;
}

function automationPart({ automations, period }: HomeReport): Markup {
  const { runs, failures, by_outcome: outcomes, no_data: noData } = automations;
  const told = Object.entries(outcomes).map(([outcome, count]) => `${count} ${OUTCOMES[outcome] ?? outcome}`);
  const lines = [
    runs === 0 ? 'None ran.' : `${format.counted(runs, 'run')}: ${told.join(', ')}.`,
    ...failures.map(
      ({ name, outcome, times, last_at: last }) =>
        `${name}: ${OUTCOMES[outcome] ?? outcome}, ${format.counted(times, 'time')}, last ${format.wallTime(last, period.timezone)}`,
    ),
  ];
  return listPart('Automations', noData, lines);
}

const OUTCOMES: Readonly<Record<string, string>> = {
  done: 'done',
  partly: 'done in part',
  failed: 'failed',
  conditions: 'not done, as their conditions did not hold',
  refused: 'refused',
  missed: 'missed',
  stopped: 'stopped',
  interrupted: 'interrupted by the end of the hub',
  claimed: 'under way',
};

function suggestionPart({ suggestions }: HomeReport): Markup {
  const items = suggestions.items.map(
    ({ title, sentence }) => markup`<li>${title}<br><span class="soft">${sentence}</span></li>`,
  );
  return markup`<section><h2>New suggestions</h2>${
    suggestions.no_data === null
      ? items.length === 0
        ? markup`<p>None.</p>`
        : markup`<ul class="plain">${items}</ul>`
      : markup`<p>${suggestions.no_data}</p>`
  }</section>`;
}

function jobPart({ jobs, period }: HomeReport): Markup {
  const lines = jobs.failed.map(
    ({ title, times, error, last_at: last }) =>
      `${title}: failed ${format.counted(times, 'time')}, last ${format.wallTime(last, period.timezone)}. ${error}`,
  );
  return listPart('Jobs that failed', jobs.no_data, lines.length === 0 ? ['None.'] : lines);
}

function listPart(title: string, noData: string | null, lines: readonly string[]): Markup {
  const told = noData === null ? lines : [noData];
  return markup`<section><h2>${title}</h2>${
    told.length === 1
      ? markup`<p>${told[0] ?? ''}</p>`
      : markup`<ul class="plain">${told.map((line) => markup`<li>${line}</li>`)}</ul>`
  }</section>`;
}
