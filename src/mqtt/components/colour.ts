import type { HueSaturation } from '../../devices/types.ts';

/** Red, green and blue of sRGB, 0 to 255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** CIE 1931 chromaticity, 0 to 1 each. */
export type Xy = readonly [x: number, y: number];

/** Mired from kelvin and back: it is the same division. */
export function invertTemperature(value: number): number {
  return Math.round(1_000_000 / value);
}

/** A pair within the ranges of HueSaturation, or null where a number is missing or nonsense. */
export function toHueSaturation(hue: number | null, saturation: number | null): HueSaturation | null {
  if (hue === null || saturation === null || hue < 0 || hue > 360 || saturation < 0 || saturation > 100)
    return null;
  return { hue: round(hue, 2), saturation: round(saturation, 2) };
}

/** Full brightness: how bright the light is goes its own way. */
export function hsToRgb({ hue, saturation }: HueSaturation): Rgb {
  const chroma = saturation / 100;
  const part = (offset: number): number => {
    const k = (offset + hue / 60) % 6;
    return Math.round(255 * (1 - chroma * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [part(5), part(3), part(1)];
}

/** White and grey have no hue: then it stays what it was. Null when all three are 0, which is no colour at all. */
export function rgbToHs([red, green, blue]: Rgb, hueBefore = 0): HueSaturation | null {
  const max = Math.max(red, green, blue);
  const min = Math.min(red, green, blue);
  if (!(max > 0) || min < 0 || max > 255) return null;
  const chroma = max - min;
  if (chroma === 0) return { hue: hueBefore, saturation: 0 };
  const sector =
    max === red
      ? ((green - blue) / chroma + 6) % 6
      : max === green
        ? (blue - red) / chroma + 2
        : (red - green) / chroma + 4;
  return { hue: round(sector * 60, 2) % 360, saturation: round((chroma / max) * 100, 2) };
}

/** Wide-gamut matrix of Philips' developer notes (RGB D65), which Home Assistant uses as well. */
export function xyToHs([x, y]: Xy, hueBefore = 0): HueSaturation | null {
  if (!(x >= 0 && x <= 1 && y > 0 && y <= 1 && x + y <= 1)) return null;
  const bigX = x / y;
  const bigZ = (1 - x - y) / y;
  const linear = [
    bigX * 1.656492 - 0.354851 - bigZ * 0.255038,
    bigX * -0.707196 + 1.655397 + bigZ * 0.036152,
    bigX * 0.051713 - 0.121364 + bigZ * 1.01153,
  ].map((value) => Math.max(0, value));
  const max = Math.max(...linear);
  if (max === 0) return null;
  const [red = 0, green = 0, blue = 0] = linear.map((value) => 255 * toGamma(value / max));
  return rgbToHs([red, green, blue], hueBefore);
}

export function hsToXy(colour: HueSaturation): Xy {
  const [red, green, blue] = hsToRgb(colour).map((value) => fromGamma(value / 255)) as [
    number,
    number,
    number,
  ];
  const bigX = red * 0.664511 + green * 0.154324 + blue * 0.162028;
  const bigY = red * 0.283881 + green * 0.668433 + blue * 0.047685;
  const bigZ = red * 0.000088 + green * 0.07231 + blue * 0.986039;
  const sum = bigX + bigY + bigZ;
  return [round(bigX / sum, 4), round(bigY / sum, 4)];
}

function toGamma(value: number): number {
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}

function fromGamma(value: number): number {
  return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
}

export function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
