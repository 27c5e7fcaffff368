import type { HomeZone } from '../../base/home-zone.ts';
import type { Aside } from './counter-fold.ts';
import type { DeviceFold } from './device-analysis.ts';
import type { PriceVector } from './prices.ts';
import type { EnergyNote } from './types.ts';

/** Of each kind and device; a broken meter would fill pages. */
const MAX_ASIDES = 5;
/** Less than this, in kWh, is not worth a line: it is in the sums of the device. */
const MIN_ASIDE_KWH = 0.01;
const LOW_COVERAGE = 0.9;
/** A counter and the power of the same device that are further apart than this share, and by as many kWh. */
const DISAGREES = { share: 0.2, kwh: 0.5 };

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
    const sorted = list.filter(({ kwh }) => kwh >= MIN_ASIDE_KWH).toSorted((a, b) => b.kwh - a.kwh);
    const [told, rest] = [sorted.slice(0, MAX_ASIDES), sorted.slice(MAX_ASIDES)];
    const restKwh = rest.reduce((sum, { kwh }) => sum + kwh, 0);
    return told.map((one, n) => {
      const more =
        n === told.length - 1 && rest.length > 0
          ? ` There are ${rest.length} smaller ones, ${kwhText(restKwh)} together.`
          : '';
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
  const kwh = fold.energy.kwh();
  const apartKwh =
    fold.byPowerKwh === null || fold.corrected.length > 0 ? 0 : Math.abs(fold.byPowerKwh - kwh);
  if (apartKwh > DISAGREES.kwh && apartKwh > DISAGREES.share * Math.max(kwh, fold.byPowerKwh ?? 0)) {
    notes.push(
      about(
        'disagreement',
        `its counter says ${kwhText(kwh)} and its power ${kwhText(fold.byPowerKwh ?? 0)}: one of them is wrong. The counter is taken; energy_capabilities chooses the power.`,
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

/** `1 day`, `2 days`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `2026-03-29 14:05`. */
export function wallText(zone: HomeZone, ms: number): string {
  return zone.at(ms).toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
}
