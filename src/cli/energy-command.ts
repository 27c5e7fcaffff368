import { HubError } from '../base/errors.ts';
import { oneLine, table } from './device-texts.ts';

/** An order about energy, as it was typed. */
export interface EnergyOrder {
  readonly days: number;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** What the hub answers, see `energyJson`: as much of it as a terminal shows. */
interface EnergyReply {
  readonly period: { readonly days: number; readonly timezone: string };
  readonly coverage: number;
  readonly measured_share: number | null;
  readonly currency: string | null;
  readonly home: {
    readonly basis: 'main_meter' | 'devices';
    readonly kwh: number;
    readonly import_kwh: number | null;
    readonly export_kwh: number | null;
    readonly production_kwh: number | null;
    readonly cost: number | null;
    readonly standing_cost: number | null;
  } | null;
  readonly unmetered: { readonly kwh: number; readonly share: number | null } | null;
  readonly devices: readonly {
    readonly name: string;
    readonly room: string | null;
    readonly role: string;
    readonly source: string;
    readonly kwh: number;
    readonly cost: number | null;
    readonly coverage: number;
    readonly standby: { readonly power_w: number } | null;
    readonly comparison: { readonly change: number | null } | null;
  }[];
  readonly peak_hours: readonly {
    readonly day_type: string;
    readonly insufficient: string | null;
    readonly hours: readonly { readonly hour: number; readonly median_kwh: number }[];
  }[];
  readonly recommendations: readonly { readonly text: string }[];
  readonly notes: readonly { readonly text: string }[];
}

const MAX_DAYS = 731;
const DEFAULT_DAYS = 30;
const MAX_NOTES = 20;

/**
 * Reads the words after `energy`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readEnergyOrder(words: readonly string[]): EnergyOrder {
  const rest = words.filter((word) => word !== '--json');
  const json = rest.length < words.length;
  const at = rest.findIndex((word) => /^--days(=|$)/.test(word));
  const inline = rest[at]?.split('=', 2)[1];
  const given = at < 0 ? String(DEFAULT_DAYS) : (inline ?? rest[at + 1] ?? '');
  const days = Number(given);
  if (given.trim() === '' || !Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new HubError('invalid', `--days takes a whole number from 1 to ${MAX_DAYS}.`);
  }
  const configFlags = at < 0 ? rest : rest.toSpliced(at, inline === undefined ? 2 : 1);
  const [stray] = configFlags;
  if (stray !== undefined && !stray.startsWith('-')) {
    throw new HubError('invalid', 'energy takes [--days N] [--json]: see `funkygibbon help`.');
  }
  return { days, json, configFlags };
}

/** What the hub answered, for a person. */
export function energyText(answer: unknown): string {
  // The running hub and this command are one program: what it answers has the type it was given.
  const reply = answer as EnergyReply;
  if (reply.devices.length === 0) {
    return 'No device has told its power or its energy yet.';
  }
  const { period, devices, currency } = reply;
  const rows = devices
    .toSorted((a, b) => b.kwh - a.kwh)
    .map((device) => [
      device.name,
      device.room ?? '',
      device.role === 'device' ? '' : device.role,
      device.kwh.toFixed(2),
      device.cost === null ? '' : device.cost.toFixed(2),
      device.source,
      percent(device.coverage),
      device.standby === null ? '' : device.standby.power_w.toFixed(1),
      changeText(device.comparison?.change ?? null),
    ]);
  const head = [
    'DEVICE',
    'ROOM',
    'ROLE',
    'KWH',
    currency ?? 'COST',
    'SOURCE',
    'KNOWN',
    'STANDBY W',
    'CHANGE',
  ];
  const parts = [
    `${period.days === 1 ? 'Today so far' : `The last ${period.days} days`}, known for ${percent(reply.coverage)} of the time on average${
      reply.measured_share === null
        ? ''
        : `; ${percent(reply.measured_share)} of the energy comes from counters, the rest is estimated from power`
    }.`,
    table(head, rows),
    ...homeLines(reply),
    ...peakLines(reply),
  ];
  const told = (title: string, texts: readonly { readonly text: string }[]): void => {
    if (texts.length === 0) return;
    const lines = texts.slice(0, MAX_NOTES).map(({ text }) => `  ${oneLine(text, 500)}`);
    if (texts.length > MAX_NOTES) lines.push(`  and ${texts.length - MAX_NOTES} more: --json has them all`);
    parts.push([title, ...lines].join('\n'));
  };
  told('What the figures say', reply.recommendations);
  told('What to know about them', reply.notes);
  return parts.join('\n\n');
}

function homeLines({ home, unmetered, currency }: EnergyReply): string[] {
  if (!home) return [];
  const money = [home.cost, home.standing_cost].flatMap((cost, n) =>
    cost === null || (n === 1 && cost === 0)
      ? []
      : [`${cost.toFixed(2)} ${currency ?? ''}${n === 1 ? ' standing charge' : ''}`.trim()],
  );
  const cost = money.length === 0 ? '' : `, ${money.join(' and ')}`;
  if (home.basis === 'devices') {
    return [
      `These devices together: ${kwh(home.kwh)}${cost}. There is no main meter, so the rest of the home is not known.`,
    ];
  }
  const flows = [
    ['from the grid', home.import_kwh],
    ['produced', home.production_kwh],
    ['fed in', home.export_kwh],
  ] as const;
  const told = flows.flatMap(([name, value]) => (value === null ? [] : [`${kwh(value)} ${name}`]));
  const rest = unmetered
    ? ` Not behind any device: ${kwh(unmetered.kwh)}${unmetered.share === null ? '' : ` (${percent(unmetered.share)})`}.`
    : '';
  return [`The home: ${kwh(home.kwh)} (${told.join(', ')})${cost}.${rest}`];
}

function peakLines({ peak_hours: peaks }: EnergyReply): string[] {
  const [first] = peaks;
  if (first?.insufficient && peaks.every(({ insufficient }) => insufficient === first.insufficient)) {
    return [`Peak hours: ${first.insufficient}.`];
  }
  const lines = peaks.map(({ day_type: type, hours, insufficient }) => {
    if (insufficient !== null) return `Peak hours, ${type}s: ${insufficient}.`;
    if (hours.length === 0) return `Peak hours, ${type}s: no hour stands out.`;
    const told = hours.map(({ hour, median_kwh: median }) => `${hour}:00 (${kwh(median)})`);
    return `Peak hours, ${type}s: ${told.join(', ')}.`;
  });
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function changeText(change: number | null): string {
  return change === null ? '' : `${change > 0 ? '+' : ''}${Math.round(change * 100)} %`;
}

function kwh(value: number): string {
  return `${value.toFixed(2)} kWh`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
