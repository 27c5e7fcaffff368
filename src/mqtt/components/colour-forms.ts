import type { HueSaturation } from '../../devices/types.ts';

import { hsToRgb, hsToXy, rgbToHs, toHueSaturation, xyToHs } from './colour.ts';

/** The topics of a colour in one form, and how it is written there. */
export interface ColourForm {
  readonly prefix: string;
  /** Also the order of the numbers without a template. */
  variables(colour: HueSaturation): Readonly<Record<string, number>>;
  parse(numbers: readonly number[], hueBefore: number): HueSaturation | null;
}

const [HS, XY, RGB, RGBW, RGBWW]: readonly [ColourForm, ColourForm, ColourForm, ColourForm, ColourForm] = [
  {
    prefix: 'hs',
    variables: ({ hue, saturation }) => ({ hue, sat: saturation }),
    parse: ([hue = null, saturation = null]) => toHueSaturation(hue, saturation),
  },
  {
    prefix: 'xy',
    variables: (colour) => {
      const [x, y] = hsToXy(colour);
      return { x, y };
    },
    parse: ([x = -1, y = -1], hueBefore) => xyToHs([x, y], hueBefore),
  },
  { prefix: 'rgb', variables: toRgbVariables, parse: parseRgb },
  { prefix: 'rgbw', variables: (colour) => ({ ...toRgbVariables(colour), white: 0 }), parse: parseRgb },
  {
    prefix: 'rgbww',
    variables: (colour) => ({ ...toRgbVariables(colour), cold_white: 0, warm_white: 0 }),
    parse: parseRgb,
  },
];

/** In the order in which they are preferred for commands: hs says exactly what was meant. */
export const COLOUR_FORMS = [HS, XY, RGB, RGBW, RGBWW];

function toRgbVariables(colour: HueSaturation): { red: number; green: number; blue: number } {
  const [red, green, blue] = hsToRgb(colour);
  return { red, green, blue };
}

function parseRgb(
  [red = -1, green = -1, blue = -1]: readonly number[],
  hueBefore: number,
): HueSaturation | null {
  return rgbToHs([red, green, blue], hueBefore);
}
