import type { HomeReport } from './schema.ts';

import * as format from './format.ts';

const MAX_LINES = 15;
const KIND = { daily: 'Daily report', weekly: 'Weekly report', monthly: 'Monthly report' };

/** `Weekly report, Week 13, 23 – 29 March 2026`: the subject of a mail. */
export function reportTitle(report: Pick<HomeReport, 'kind' | 'period'>): string {
  return `${KIND[report.kind]}, ${format.periodTitle(report)}`;
}

/** The report for a terminal, and for readers of mail that show no pages. */
export function reportText(report: HomeReport): string {
  const { hub, usage, devices, phones, automations, suggestions, jobs } = report;
  const title = `${oneLine(report.home)}: ${reportTitle(report)}`;
  return [
    `${title}\n${'='.repeat(title.length)}`,
    section('Hub', hub.no_data, [
      `It ran for ${format.percent(hub.covered)} of the time.`,
      ...hub.gaps.map(
        ({ from, to }) =>
          `Not from ${wall(report, from)} to ${wall(report, to)}: what happened then is not known.`,
      ),
    ]),
    section('Energy', report.energy.no_data, energyLines(report)),
    section('Usage', usage.no_data, [
      `${format.counted(usage.events, 'event')}, ${format.counted(usage.by_cause['person'] ?? 0, 'of them by people', 'of them by people')}; ${format.counted(usage.commands, 'command')}.`,
      ...usage.most_active
        .slice(0, 5)
        .map((one) => `${one.name ?? one.entity_id}: ${format.counted(one.events, 'event')}`),
    ]),
    section(`Devices, as of ${wall(report, devices.as_of)}`, devices.no_data, [
      ...devices.unreachable.map(({ name }) => `${name}: not reachable`),
      ...devices.low_battery.map(
        ({ name, percent }) => `${name}: battery low${percent === null ? '' : ` (${percent} %)`}`,
      ),
      ...(devices.unreachable.length + devices.low_battery.length === 0
        ? ['All can be reached, and no battery is low.']
        : []),
    ]),
    section('Phones', phones.no_data, silentLines(report)),
    section('Automations', automations.no_data, [
      `${format.counted(automations.runs, 'run')}.`,
      ...automations.failures.map(
        ({ name, outcome, times }) => `${name}: ${outcome}, ${format.counted(times, 'time')}`,
      ),
    ]),
    section(
      'New suggestions',
      suggestions.no_data,
      suggestions.items.length === 0 ? ['None.'] : suggestions.items.map(({ sentence }) => sentence),
    ),
    section(
      'Jobs that failed',
      jobs.no_data,
      jobs.failed.length === 0
        ? ['None.']
        : jobs.failed.map(
            ({ title: job, times, error }) => `${job}, ${format.counted(times, 'time')}: ${error}`,
          ),
    ),
  ].join('\n\n');
}

function energyLines(report: HomeReport): string[] {
  const { energy } = report;
  const { home, comparison, currency, unmetered } = energy;
  const cost =
    home?.cost === null || home?.cost === undefined ? '' : `, ${format.money(home.cost, currency)}`;
  return [
    ...(home
      ? [
          `${home.basis === 'main_meter' ? 'The home' : 'These devices together'}: ${format.kwh(home.kwh)} kWh${cost}, known for ${format.percent(home.coverage)} of the time.`,
        ]
      : []),
    ...(comparison
      ? [
          `${format.change(comparison.change)} against ${comparison.with}: ${format.kwh(comparison.kwh_per_day)} kWh a day, ${format.kwh(comparison.before_kwh_per_day)} then.`,
        ]
      : []),
    ...(energy.not_compared === null ? [] : [energy.not_compared]),
    ...(energy.measured_share === null
      ? []
      : [`${format.percent(energy.measured_share)} come from counters, the rest is estimated from power.`]),
    ...(unmetered ? [`Not behind any device: ${format.kwh(unmetered.kwh)} kWh.`] : []),
    ...energy.devices
      .filter(({ role }) => role === 'device')
      .slice(0, MAX_LINES)
      .map((one) => `${one.name}: ${format.kwh(one.kwh)} kWh, known for ${format.percent(one.coverage)}`),
    ...energy.advice.slice(0, MAX_LINES).map(({ text }) => text),
    ...energy.notes.slice(0, MAX_LINES).map(({ text }) => text),
  ];
}

/** What is told of phones that have not synced for long. */
export function silentLines({ phones, period }: HomeReport): string[] {
  if (phones.silent.length === 0) {
    return [`All ${phones.total} have synced within ${phones.silent_days} days.`];
  }
  return phones.silent.map(({ client, last_sync_at: last }) =>
    last === null
      ? `${client}: never synced`
      : `${client}: last synced ${format.wallTime(last, period.timezone)}`,
  );
}

function section(title: string, noData: string | null, lines: readonly string[]): string {
  const told = noData === null ? lines : [noData];
  return [title, ...told.map((line) => `  ${oneLine(line)}`)].join('\n');
}

function wall({ period }: HomeReport, iso: string): string {
  return format.wallTime(iso, period.timezone);
}

/** Names come from people and devices: none may move the cursor of a terminal, or begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
}
