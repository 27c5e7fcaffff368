import type { HomeReport } from './schema.ts';
import type { Markup } from './markup.ts';

import * as format from './format.ts';
import { markup } from './markup.ts';
import { cellBar, columnPlot, legend, WELL_KNOWN, type Column } from './plots.ts';

const LABELS = 8;

/** The section on what happened at home. */
export function usagePart({ usage, period, kind }: HomeReport): Markup {
  if (usage.no_data !== null) {
    return markup`<section><h2>What happened</h2><p>${usage.no_data}</p></section>`;
  }
  const people = usage.by_cause['person'] ?? 0;
  const automations = usage.by_cause['automation'] ?? 0;
  return markup`<section><h2>What happened</h2>
<p>${format.counted(usage.events, 'value changed or button was pressed', 'values changed or buttons were pressed')}: ${people} brought about by people, ${automations} by automations, the rest by the devices themselves and by other programs. ${format.counted(usage.commands, 'command was given', 'commands were given')}.</p>
${kind === 'daily' ? null : dayPart(usage, period.days)}
${activePart(usage)}
</section>`;
}

function dayPart(usage: HomeReport['usage'], days: number): Markup {
  const every = Math.ceil(days / LABELS);
  const columns = usage.by_day.map(({ date, events, by_cause: causes, covered }, n): Column => ({
    label: n % every === 0 ? format.axisDate(date, days) : '',
    value: covered > 0 || events > 0 ? events : null,
    part: causes['person'] ?? 0,
    coverage: covered,
  }));
  const counts = usage.by_day.map(({ events }) => events);
  const rows = usage.by_day.map(
    ({ date, events, commands, by_cause: causes, covered }) =>
      markup`<tr><th scope="row">${format.shortDate(date)}</th><td>${events}</td><td>${causes['person'] ?? 0}</td><td>${commands}</td><td>${format.percent(covered)}</td></tr>`,
  );
  const hasGaps = columns.some(({ coverage }) => coverage < WELL_KNOWN);
  return markup`<h3>Activity by day</h3>
${columnPlot(columns, {
  id: 'activity',
  title: 'Events by day',
  description: `From ${Math.min(...counts)} to ${Math.max(...counts)} a day.`,
  unit: 'events',
})}
${legend([['bar2', 'by people'], ['bar', 'by all else'], ...(hasGaps ? [['hatch', 'the hub ran for less than 90 % of the day'] as const] : [])])}
<details><summary>Activity as a table</summary>
<table><thead><tr><th scope="col">Day</th><th scope="col">Events</th><th scope="col">By people</th><th scope="col">Commands</th><th scope="col">Hub ran</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

function activePart(usage: HomeReport['usage']): Markup | null {
  const devices = usage.most_active.slice(0, 10);
  if (devices.length === 0) return null;
  const most = Math.max(...devices.map(({ events }) => events), 1);
  const rows = devices.map(
    (device) =>
      markup`<tr><th scope="row">${device.name ?? device.entity_id}</th><td class="meter">${cellBar(device.events / most)}</td><td>${device.events}</td><td>${device.by_people}</td></tr>`,
  );
  return markup`<h3>Most active devices</h3>
<table><thead><tr><th scope="col">Device</th><td class="meter"></td><th scope="col">Events</th><th scope="col">By people</th></tr></thead><tbody>${rows}</tbody></table>`;
}
