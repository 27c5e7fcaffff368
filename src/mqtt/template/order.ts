import { TemplateError } from './errors.ts';
import type { Run } from './run.ts';
import { compareValues, Undefined } from './values.ts';

/** The largest (1) or smallest (-1) element by its key; missing when there is none. */
export function pickExtreme(
  run: Run,
  items: readonly unknown[],
  sign: 1 | -1,
  keyOf: (item: unknown) => unknown,
): unknown {
  if (items.length === 0) return new Undefined('An empty list has no largest or smallest element');
  let best = items[0];
  for (const item of items.slice(1)) {
    run.step();
    if (sign * compareValues(run, keyOf(item), keyOf(best)) > 0) best = item;
  }
  return best;
}

/** A sorted copy; equal elements keep their order also when reversed, as in Python. */
export function sortValues(
  run: Run,
  items: readonly unknown[],
  reverse: boolean,
  keyOf: (item: unknown) => unknown,
): unknown[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  const sign = reverse ? -1 : 1;
  keyed.sort((a, b) => {
    run.step();
    const order = compareValues(run, a.key, b.key);
    if (Number.isNaN(order)) throw new TemplateError('A list with "nan" in it has no order');
    return sign * order;
  });
  return keyed.map(({ item }) => item);
}
