import type { HomeZone } from '../../base/home-zone.ts';
import type { Aside } from './counter-fold.ts';
import type { DeviceFold } from './device-analysis.ts';
import type { PriceVector } from './prices.ts';
import type { EnergyNote } from './types.ts';

/** Of each kind and device; a broken meter would fill pages. */
const MAX_ASIDES = 5;
const LOW_COVERAGE = 0.9;

/** What has to be known about the figures of one device. */
export function deviceNotes(fold: DeviceFold, coverage: number, zone: HomeZone): EnergyNote[] {
  const { entityId, name } = fold.meter.device;
  const about = (kind: EnergyNote['kind'], text: string, rest: Partial<EnergyNote> = {}): EnergyNote => ({
    kind,
    entityId,
    text: `${name}: ${text}`,
    ...rest,
  });
  const asides = (
    kind: 'unattributed' | 'quarantined',
    list: readonly Aside[],
    text: string,
  ): EnergyNote[] => {
    const told = list.toSorted((a, b) => b.kwh - a.kwh).slice(0, MAX_ASIDES);
    const rest = list.length - told.length;
    return told.map((one, n) => {
      const more = n === told.length - 1 && rest > 0 ? ` There are ${rest} smaller ones.` : '';
      const when = `between ${wallText(zone, one.fromMs)} and ${wallText(zone, one.toMs)}`;
      return about(kind, `${kwhText(one.kwh)} ${when} ${text}${more}`, one);
    });
  };
  const notes = [
    ...asides(
      'unattributed',
      fold.unattributed,
      'were counted while nobody heard it: they are in no bucket and no total.',
    ),
    ...asides(
      'quarantined',
      fold.quarantined,
      `are more than ${fold.meter.limitKw} kW: they are taken for an error and left out. energy_limit_kw of the device moves the limit.`,
    ),
  ];
  if (coverage < LOW_COVERAGE) {
    notes.push(
      about(
        'low_coverage',
        `known for ${percent(coverage)} of the time; what it used otherwise is in no figure.`,
      ),
    );
  }
  if (fold.negativeWh > 0) {
    notes.push(
      about(
        'negative_power',
        `${kwhText(fold.negativeWh / 1000)} of negative power are left out. What produces is told so by energy_role solar.`,
      ),
    );
  }
  for (const one of fold.corrected) {
    const what = one.kwh === null ? 'left out' : `set to ${kwhText(one.kwh)}`;
    const { fromMs, toMs } = one;
    notes.push(
      about(
        'corrected',
        `${kwhText(one.beforeKwh)} from ${wallText(zone, fromMs)} to ${wallText(zone, toMs)} were ${what}: ${one.reason}`,
        { fromMs, toMs },
      ),
    );
  }
  return notes;
}

/** What has to be known about prices. */
export function priceNotes({ known, hasSeveralCurrencies, currency }: PriceVector): EnergyNote[] {
  if (hasSeveralCurrencies) {
    const text =
      'Tariffs of several currencies hold in this period: ask for a shorter one to see what it cost.';
    return [{ kind: 'currency', entityId: null, text }];
  }
  if (currency !== null && known < 0.9995) {
    const text = `The price is known for ${percent(known)} of the period; costs are of that part only.`;
    return [{ kind: 'no_price', entityId: null, text }];
  }
  return [];
}

export function kwhText(kwh: number): string {
  return `${kwh.toFixed(kwh < 10 ? 2 : 1)} kWh`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `2026-03-29 14:05`. */
export function wallText(zone: HomeZone, ms: number): string {
  return zone.at(ms).toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
}
