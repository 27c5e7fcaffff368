/** One line of the table that a benchmark prints. */
export interface Result {
  readonly what: string;
  readonly measured: string;
  readonly aim: string;
  /** Null where there is no aim to meet. */
  readonly met: boolean | null;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Milliseconds with as many digits as they deserve. */
export function ms(value: number): string {
  return value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(2)} ms`;
}

/** Prints results as a Markdown table, to be pasted into the README. */
export function table(results: readonly Result[]): string {
  const rows = results.map(
    ({ what, measured, aim, met }) =>
      `| ${what} | ${measured} | ${aim} | ${met === null ? '' : met ? 'yes' : '**no**'} |`,
  );
  return ['| what | measured | aim | met |', '|---|---|---|---|', ...rows].join('\n');
}

/** The machine breathes: pauses between steps of a measurement, never in a test. */
export async function pause(forMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, forMs);
  await promise;
}
