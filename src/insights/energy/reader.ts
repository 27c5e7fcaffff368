import type { Db } from '../../base/db.ts';
import type { Correction, PriceWindow, Tariff } from './types.ts';

interface TariffRow {
  id: string;
  name: string;
  currency: string;
  valid_from: string;
  valid_to: string | null;
  standing_price: number;
  price: number | null;
  windows: string;
  dynamic: string | null;
}

interface CorrectionRow {
  id: string;
  entity_id: string;
  from_ms: number;
  to_ms: number;
  kwh: number | null;
  reason: string;
  before_kwh: number;
  made_by: string;
  made_ms: number;
  reversed_by: string | null;
  reversed_ms: number | null;
}

/** In the order of the calendar. */
export function readTariffs(db: Db): Tariff[] {
  return db.all<TariffRow>('SELECT * FROM energy_tariff ORDER BY valid_from').map((row) => ({
    id: row.id,
    name: row.name,
    currency: row.currency,
    validFrom: row.valid_from,
    validTo: row.valid_to,
    standingPrice: row.standing_price,
    price: row.price,
    windows: JSON.parse(row.windows) as PriceWindow[],
    dynamic: row.dynamic === null ? null : (JSON.parse(row.dynamic) as NonNullable<Tariff['dynamic']>),
  }));
}

/** Prices of the market by quarters of an hour, in order. */
export function readPrices(db: Db, fromMs: number, toMs: number): { startMs: number; price: number }[] {
  return db
    .all<{ start_ms: number; price: number }>(
      'SELECT start_ms, price FROM energy_price WHERE start_ms >= ? AND start_ms < ? ORDER BY start_ms',
      fromMs,
      toMs,
    )
    .map((row) => ({ startMs: row.start_ms, price: row.price }));
}

const CORRECTIONS = 'SELECT * FROM energy_correction';

/** Those that count, and concern a moment of the span. */
export function readActiveCorrections(db: Db, fromMs: number, toMs: number): Correction[] {
  return db
    .all<CorrectionRow>(
      `${CORRECTIONS} WHERE reversed_ms IS NULL AND from_ms < ? AND to_ms > ? ORDER BY from_ms`,
      toMs,
      fromMs,
    )
    .map(toCorrection);
}

/** Newest first, those that were reversed too. */
export function readCorrections(db: Db, entityId: string | undefined, limit: number): Correction[] {
  return db
    .all<CorrectionRow>(
      `${CORRECTIONS} WHERE ?1 IS NULL OR entity_id = ?1 ORDER BY made_ms DESC, id DESC LIMIT ?2`,
      entityId ?? null,
      limit,
    )
    .map(toCorrection);
}

export function readCorrection(db: Db, id: string): Correction | undefined {
  const row = db.get<CorrectionRow>(`${CORRECTIONS} WHERE id = ?`, id);
  return row && toCorrection(row);
}

export function countCorrections(db: Db): number {
  return db.get<{ count: number }>('SELECT count(*) AS count FROM energy_correction')?.count ?? 0;
}

function toCorrection(row: CorrectionRow): Correction {
  return {
    id: row.id,
    entityId: row.entity_id,
    fromMs: row.from_ms,
    toMs: row.to_ms,
    kwh: row.kwh,
    reason: row.reason,
    beforeKwh: row.before_kwh,
    madeBy: row.made_by,
    madeMs: row.made_ms,
    reversedBy: row.reversed_by,
    reversedMs: row.reversed_ms,
  };
}
