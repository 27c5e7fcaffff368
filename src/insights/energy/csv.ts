import type { HomeZone } from '../../base/home-zone.ts';
import type { EnergyReport } from './types.ts';

const COLUMNS = [
  'start',
  'end',
  'entity_id',
  'name',
  'room',
  'role',
  'source',
  'kwh',
  'cost',
  'currency',
  'covered_share',
] as const;
/** Lines of about 150 characters that go out together. */
const LINES_IN_CHUNK = 200;

/**
 * Every device's buckets as CSV (RFC 4180), in chunks. Times are those of the wall with their offset. Where nothing is
 * known the cells are empty, and no 0.
 * @param report made with `withSeries`
 */
export function* energyCsv(report: EnergyReport, zone: HomeZone): Generator<string> {
  let lines: string[] = [COLUMNS.join(',')];
  // The same for every device, and slow to make.
  const times = new Map<number, string>();
  const timeOf = (ms: number): string => {
    const known = times.get(ms) ?? timeCell(zone, ms);
    times.set(ms, known);
    return known;
  };
  const devices = new Map(report.devices.map((device) => [device.entityId, device]));
  for (const { entityId, buckets } of report.series) {
    const device = devices.get(entityId);
    if (!device) continue;
    const told = [entityId, device.name, device.roomName ?? '', device.role, device.source].map(textCell);
    for (const { startMs, endMs, kwh, cost, coverage } of buckets()) {
      const numbers = [
        kwh === null ? '' : kwh.toFixed(4),
        cost === null ? '' : cost.toFixed(4),
        report.currency ?? '',
        coverage.toFixed(3),
      ];
      lines.push([timeOf(startMs), timeOf(endMs), ...told, ...numbers].join(','));
      if (lines.length < LINES_IN_CHUNK) continue;
      yield `${lines.join('\r\n')}\r\n`;
      lines = [];
    }
  }
  if (lines.length > 0) yield `${lines.join('\r\n')}\r\n`;
}

/** A spreadsheet runs what begins like a formula: it gets an apostrophe before it, which is shown as text. */
export function textCell(text: string): string {
  const safe = /^[\s]*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function timeCell(zone: HomeZone, ms: number): string {
  return zone.at(ms).toString({ timeZoneName: 'never', smallestUnit: 'second' });
}
