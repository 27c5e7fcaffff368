import type { Tx } from '../../base/db.ts';
import type { Correction, Tariff } from './types.ts';

export function putTariff(tx: Tx, tariff: Tariff): void {
  tx.run(
    `INSERT INTO energy_tariff
       (id, name, currency, valid_from, valid_to, standing_price, price, windows, dynamic)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, currency = excluded.currency,
       valid_from = excluded.valid_from, valid_to = excluded.valid_to,
       standing_price = excluded.standing_price, price = excluded.price, windows = excluded.windows,
       dynamic = excluded.dynamic`,
    tariff.id,
    tariff.name,
    tariff.currency,
    tariff.validFrom,
    tariff.validTo,
    tariff.standingPrice,
    tariff.price,
    JSON.stringify(tariff.windows),
    tariff.dynamic && JSON.stringify(tariff.dynamic),
  );
}

/** @returns false where there was none. */
export function deleteTariff(tx: Tx, id: string): boolean {
  return tx.run('DELETE FROM energy_tariff WHERE id = ?', id).changes > 0;
}

export function deletePrices(tx: Tx, fromMs: number, toMs: number): number {
  return tx.run('DELETE FROM energy_price WHERE start_ms >= ? AND start_ms < ?', fromMs, toMs).changes;
}

export function putPrice(tx: Tx, startMs: number, price: number): void {
  tx.run(
    `INSERT INTO energy_price (start_ms, price) VALUES (?, ?)
     ON CONFLICT (start_ms) DO UPDATE SET price = excluded.price`,
    startMs,
    price,
  );
}

export function insertCorrection(tx: Tx, one: Correction): void {
  tx.run(
    `INSERT INTO energy_correction
       (id, entity_id, from_ms, to_ms, kwh, reason, before_kwh, made_by, made_ms, reversed_by, reversed_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)`,
    one.id,
    one.entityId,
    one.fromMs,
    one.toMs,
    one.kwh,
    one.reason,
    one.beforeKwh,
    one.madeBy,
    Math.floor(one.madeMs),
  );
}

export function reverseCorrection(tx: Tx, id: string, by: string, atMs: number): void {
  tx.run(
    'UPDATE energy_correction SET reversed_by = ?, reversed_ms = ? WHERE id = ? AND reversed_ms IS NULL',
    by,
    Math.floor(atMs),
    id,
  );
}
