import { markup, type Markup } from './markup.ts';

/** One column of a plot. */
export interface Column {
  /** Below the axis; empty for none. */
  readonly label: string;
  /** Null: nothing is known. */
  readonly value: number | null;
  /** The lower part of the value, in the second colour. */
  readonly part?: number;
  /** For which share of the time it is known, 0 to 1. */
  readonly coverage: number;
}

export interface PlotTexts {
  /** Makes the ids of the page: letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What there is to see, for whoever does not see it. */
  readonly description: string;
  readonly unit: string;
}

/** What the numbers at the side take, in percent of the width: on a phone four digits. */
const GUTTER = 9;
const TOP = 24;
const HEIGHT = 150;
const BASE = TOP + HEIGHT;
/** What is known for less is shaded. */
export const WELL_KNOWN = 0.9;

/**
 * Columns over time. Places across are shares of the width and those up are pixels, so that a plot fills a phone as well
 * as a page of paper while its texts keep their size.
 */
export function columnPlot(columns: readonly Column[], texts: PlotTexts): Markup {
  const { id, title, description, unit } = texts;
  const step = (100 - GUTTER) / Math.max(1, columns.length);
  const ticks = ticksOf(Math.max(0, ...columns.map(({ value }) => value ?? 0)));
  const max = ticks.at(-1) ?? 1;
  const y = (value: number): number => px(BASE - (value / max) * HEIGHT);
  const shaded = columns.map(({ coverage }, n) =>
    coverage >= WELL_KNOWN ? null : bandOf(GUTTER + n * step, step, `${id}-hatch`),
  );
  const lines = ticks
    .slice(1)
    .map(
      (tick) =>
        markup`<line class="grid" x1="${GUTTER}%" x2="100%" y1="${y(tick)}" y2="${y(tick)}"/><text x="${GUTTER - 1.5}%" y="${y(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`,
    );
  return markup`<figure><svg role="img" aria-labelledby="${id}-title ${id}-desc" height="${BASE + 22}">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
<defs><pattern id="${id}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="7"/></pattern></defs>
<text x="${GUTTER}%" y="14">${unit}</text>
${lines}${shaded}${columns.map((column, n) => columnOf(column, n, step, y))}
<line class="base" x1="${GUTTER}%" x2="100%" y1="${BASE}" y2="${BASE}"/></svg></figure>`;
}

/** A bar in a cell of a table, `share` (0 to 1) of its width long. */
export function cellBar(share: number): Markup {
  const width = Math.max(0, Math.min(100, share * 100));
  return markup`<svg aria-hidden="true" height="10"><rect class="unknown" width="100%" height="10"/><rect class="bar" width="${px(width)}%" height="10"/></svg>`;
}

/** A key to colours: `bar`, `bar2` or `hatch`. */
export function legend(keys: readonly (readonly ['bar' | 'bar2' | 'hatch', string])[]): Markup {
  return markup`<ul class="legend">${keys.map(
    ([name, text]) =>
      markup`<li><svg aria-hidden="true" viewBox="0 0 14 12">${
        name === 'hatch'
          ? markup`<rect class="unknown" width="14" height="12"/><path class="hatch" d="M0 6l6-6M0 12L12 0M6 12l8-8M12 12l2-2"/>`
          : markup`<rect class="${name}" width="14" height="12"/>`
      }</svg>${text}</li>`,
  )}</ul>`;
}

function bandOf(x: number, width: number, hatch: string): Markup {
  const place = markup`x="${px(x)}%" y="${TOP}" width="${px(width)}%" height="${HEIGHT}"`;
  return markup`<rect class="unknown" ${place}/><rect fill="url(#${hatch})" ${place}/>`;
}

function columnOf(
  { label, value, part = 0 }: Column,
  n: number,
  step: number,
  y: (value: number) => number,
): Markup {
  const [x, width] = [px(GUTTER + (n + 0.16) * step), px(step * 0.68)];
  const rect = (name: string, from: number, to: number): Markup | null =>
    to <= from
      ? null
      : markup`<rect class="${name}" x="${x}%" width="${width}%" y="${y(to)}" height="${px(y(from) - y(to))}"/>`;
  return markup`${rect('bar', part, value ?? 0)}${rect('bar2', 0, Math.min(part, value ?? 0))}${
    label === ''
      ? null
      : markup`<text x="${px(GUTTER + (n + 0.5) * step)}%" y="${BASE + 17}" text-anchor="middle">${label}</text>`
  }`;
}

/** Two to four round steps from 0 to at least the maximum. */
export function ticksOf(max: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, n) => Number((n * step).toPrecision(6)));
}

function tickText(value: number): string {
  return value >= 1000 && value % 100 === 0 ? `${value / 1000}k` : String(value);
}

function px(value: number): number {
  return Math.round(value * 100) / 100;
}
