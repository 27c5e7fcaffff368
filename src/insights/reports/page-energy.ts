import type { HomeReport } from './schema.ts';
import type { Markup } from './markup.ts';

import * as format from './format.ts';
import { markup } from './markup.ts';
import { cellBar, columnPlot, legend, WELL_KNOWN, type Column } from './plots.ts';

/** Beyond these a page is too long to be read; the JSON has them all. */
const MAX_DEVICES = 40;
const MAX_TEXTS = 20;
/** So few labels fit below a month on a phone. */
const LABELS = 8;

/** The energy of the home in big figures; none where nothing was measured. */
export function energyFigures({ energy }: HomeReport): (readonly [string, string, string])[] {
  const { home, comparison, currency } = energy;
  if (energy.no_data !== null || !home) return [];
  const name = home.basis === 'main_meter' ? 'The home used' : 'Metered devices used';
  return [
    [name, format.kwh(home.kwh), 'kWh'],
    ...(home.cost === null
      ? []
      : [['Which cost', format.money(home.cost + (home.standing_cost ?? 0), null), currency ?? ''] as const]),
    ...(comparison && comparison.change !== null
      ? [[`Against ${comparison.with}`, format.change(comparison.change), ''] as const]
      : []),
  ];
}

/** The section on energy, with its plots and the tables under them. */
export function energyPart(report: HomeReport): Markup {
  const { energy } = report;
  if (energy.no_data !== null) {
    return markup`<section><h2>Energy</h2><p>${energy.no_data}</p></section>`;
  }
  return markup`<section><h2>Energy</h2>
${basisPart(report)}
${report.kind === 'daily' ? null : dayPart(report)}
${hourPart(report)}
${devicePart(report)}
${roomPart(report)}
${peakPart(report)}
${textPart('What stands out', energy.advice)}
${textPart('What to know about these figures', energy.notes)}
</section>`;
}

function basisPart({ energy }: HomeReport): Markup {
  const { home, comparison, unmetered, measured_share: measured, currency } = energy;
  const texts: string[] = [];
  if (home?.basis === 'devices') {
    texts.push('There is no main meter: these are the metered devices together, and not the whole home.');
  }
  const flows = [
    ['from the grid', home?.import_kwh ?? null],
    ['produced', home?.production_kwh ?? null],
    ['fed in', home?.export_kwh ?? null],
  ] as const;
  const told = flows.flatMap(([name, value]) => (value ? [`${format.kwh(value)} kWh ${name}`] : []));
  if (told.length > 1) texts.push(`${told.join(', ')}.`);
  if (home) texts.push(`Known for ${format.percent(home.coverage)} of the time.`);
  if (measured !== null) {
    texts.push(
      measured === 1
        ? 'The devices counted all of it themselves.'
        : measured === 0
          ? 'What the devices used is estimated from their power: none of them counts it.'
          : `Of what the devices used ${format.percent(measured)} was counted by themselves; ${format.percent(energy.estimated_share)} is estimated from their power.`,
    );
  }
  if (unmetered) {
    const share = unmetered.share === null ? '' : ` (${format.percent(unmetered.share)})`;
    texts.push(`Not behind any metered device: ${format.kwh(unmetered.kwh)} kWh${share}.`);
  }
  if (home && home.cost === null) texts.push('No tariff is known, so nothing is said of costs.');
  else if (home?.standing_cost) {
    texts.push(
      `The cost is ${format.money(home.cost, currency)} for energy and ${format.money(home.standing_cost, currency)} of standing charge.`,
    );
  }
  if (comparison) {
    texts.push(
      `By the time that is known, a day took ${format.kwh(comparison.kwh_per_day)} kWh, and ${format.kwh(comparison.before_kwh_per_day)} kWh ${comparison.with.replace(/^the (week|month)/, 'in the $1')}.`,
    );
  }
  if (energy.not_compared !== null) texts.push(energy.not_compared);
  return markup`<p>${texts.join(' ')}</p>`;
}

function dayPart({ energy, period }: HomeReport): Markup {
  const every = Math.ceil(period.days / LABELS);
  const columns = energy.by_day.map(({ date, kwh, coverage }, n): Column => ({
    label: n % every === 0 ? format.axisDate(date, period.days) : '',
    value: kwh,
    coverage,
  }));
  const known = energy.by_day.flatMap(({ kwh }) => kwh ?? []);
  const hasGaps = columns.some(({ coverage }) => coverage < WELL_KNOWN);
  const rows = energy.by_day.map(
    ({ date, kwh, cost, coverage }) =>
      markup`<tr><th scope="row">${format.shortDate(date)}</th><td>${format.kwh(kwh)}</td><td>${format.money(cost, null)}</td><td>${format.percent(coverage)}</td></tr>`,
  );
  return markup`<h3>Day by day</h3>
${columnPlot(columns, {
  id: 'days',
  title: 'Energy by day, kWh',
  description: describe(known, 'a day', columns.length - known.length),
  unit: 'kWh',
})}
${legend([['bar', 'kWh'], ...(hasGaps ? [['hatch', 'known for less than 90 % of the day'] as const] : [])])}
<details><summary>Day by day as a table</summary>
<table><thead><tr><th scope="col">Day</th><th scope="col">kWh</th><th scope="col">${energy.currency ?? 'Cost'}</th><th scope="col">Known</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

function hourPart({ energy, kind }: HomeReport): Markup | null {
  const known = energy.by_hour.flatMap(({ mean_kwh: mean }) => mean ?? []);
  if (known.length === 0) return null;
  const columns = energy.by_hour.map(({ hour, mean_kwh: mean }): Column => ({
    label: hour % 6 === 0 ? format.hourText(hour) : '',
    value: mean,
    coverage: mean === null ? 0 : 1,
  }));
  const isDay = kind === 'daily';
  const rows = energy.by_hour.map(
    ({ hour, mean_kwh: mean, days }) =>
      markup`<tr><th scope="row">${format.hourText(hour)}</th><td>${format.kwh(mean)}</td>${isDay ? null : markup`<td>${days}</td>`}</tr>`,
  );
  const hasGaps = columns.some(({ value }) => value === null);
  return markup`<h3>${isDay ? 'Hour by hour' : 'The hours of a day, on average'}</h3>
${columnPlot(columns, {
  id: 'hours',
  title: isDay ? 'Energy by hour, kWh' : 'Mean energy by hour of the day, kWh',
  description: describe(known, 'an hour', 24 - known.length),
  unit: 'kWh',
})}
${
  hasGaps
    ? legend([
        ['bar', 'kWh'],
        ['hatch', 'not known'],
      ])
    : null
}
<details><summary>The hours as a table</summary>
<table><thead><tr><th scope="col">Hour</th><th scope="col">kWh</th>${isDay ? null : markup`<th scope="col">Days known</th>`}</tr></thead><tbody>${rows}</tbody></table></details>`;
}

function devicePart({ energy }: HomeReport): Markup | null {
  const devices = energy.devices.filter(({ role }) => role === 'device');
  if (devices.length === 0) return null;
  const shown = devices.slice(0, MAX_DEVICES);
  const most = Math.max(...shown.map(({ kwh }) => kwh));
  const hasCost = shown.some(({ cost }) => cost !== null);
  const hasStandby = shown.some(({ standby_w: watts }) => watts !== null);
  const hasChange = shown.some(({ change }) => change !== null);
  const rows = shown.map((device) => {
    const about = [device.room, device.source === 'estimated' ? 'estimated' : null].filter(
      (one) => one !== null,
    );
    return markup`<tr><th scope="row">${device.name}${about.length === 0 ? null : markup`<small>${about.join(', ')}</small>`}</th><td class="meter">${cellBar(most > 0 ? device.kwh / most : 0)}</td><td>${format.kwh(device.kwh)}</td>${
      hasCost ? markup`<td>${format.money(device.cost, null)}</td>` : null
    }<td>${format.percent(device.coverage)}</td>${
      hasStandby
        ? markup`<td class="wide">${device.standby_w === null ? '–' : device.standby_w.toFixed(1)}</td>`
        : null
    }${hasChange ? markup`<td class="wide">${format.change(device.change)}</td>` : null}</tr>`;
  });
  const rest = devices.length - shown.length;
  return markup`<h3>What used most</h3>
<table><thead><tr><th scope="col">Device</th><td class="meter"></td><th scope="col">kWh</th>${hasCost ? markup`<th scope="col">${energy.currency ?? 'Cost'}</th>` : null}<th scope="col">Known</th>${hasStandby ? markup`<th scope="col" class="wide">Standby, W</th>` : null}${hasChange ? markup`<th scope="col" class="wide">Change</th>` : null}</tr></thead><tbody>${rows}</tbody></table>
${rest > 0 ? markup`<p class="soft">And ${format.counted(rest, 'device')} more, which used less.</p>` : null}`;
}

function roomPart({ energy }: HomeReport): Markup | null {
  if (energy.rooms.length === 0 || energy.rooms.every(({ room_id: id }) => id === null)) return null;
  const hasCost = energy.rooms.some(({ cost }) => cost !== null);
  const rows = energy.rooms.map(
    ({ room, kwh, cost, devices }) =>
      markup`<tr><th scope="row">${room ?? 'In no room'}</th><td>${devices}</td><td>${format.kwh(kwh)}</td>${hasCost ? markup`<td>${format.money(cost, null)}</td>` : null}</tr>`,
  );
  return markup`<h3>Rooms</h3>
<table><thead><tr><th scope="col">Room</th><th scope="col">Devices</th><th scope="col">kWh</th>${hasCost ? markup`<th scope="col">${energy.currency ?? 'Cost'}</th>` : null}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** Peak hours take two weeks of days: a shorter report says nothing of them. */
function peakPart({ energy, kind }: HomeReport): Markup | null {
  if (kind !== 'monthly' || energy.peak_hours.length === 0) return null;
  const lines = energy.peak_hours.map(({ day_type: type, hours, insufficient, days }) => {
    const told = hours.map(
      (one) =>
        `${format.hourText(one.hour)} (${format.kwh(one.median_kwh)} kWh, mostly ${format.kwh(one.p10_kwh)} to ${format.kwh(one.p90_kwh)})`,
    );
    const text =
      insufficient ?? (told.length === 0 ? 'no hour stands out' : `${told.join(', ')}, on ${days} days`);
    return markup`<li>${type === 'weekday' ? 'Weekdays' : 'Weekends'}: ${text}</li>`;
  });
  return markup`<h3>Peak hours</h3><ul class="plain">${lines}</ul>`;
}

function textPart(title: string, texts: readonly { readonly text: string }[]): Markup | null {
  if (texts.length === 0) return null;
  const rest = texts.length - MAX_TEXTS;
  return markup`<h3>${title}</h3><ul class="plain">${texts.slice(0, MAX_TEXTS).map(({ text }) => markup`<li>${text}</li>`)}${rest > 0 ? markup`<li>And ${rest} more in the JSON of this report.</li>` : null}</ul>`;
}

function describe(known: readonly number[], what: string, unknown: number): string {
  if (known.length === 0) return 'Nothing is known.';
  const range = `From ${format.kwh(Math.min(...known))} to ${format.kwh(Math.max(...known))} kWh ${what}.`;
  return unknown > 0 ? `${range} Of ${unknown} nothing is known.` : range;
}
