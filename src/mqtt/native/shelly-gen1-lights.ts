import type { Config } from '../components/fields.ts';

/** What a lamp's status holds, and so can be set. */
export type LightTrait = 'brightness' | 'gain' | 'temp' | 'rgb' | 'white' | 'mode';

/** The traits that a first status shows. */
export function readLightTraits(status: Config): LightTrait[] {
  const has = (key: string): boolean => typeof status[key] === 'number';
  const traits: LightTrait[] = [];
  if (has('brightness')) traits.push('brightness');
  if (has('gain')) traits.push('gain');
  if (has('temp')) traits.push('temp');
  if (has('red') && has('green') && has('blue')) traits.push('rgb');
  if (has('white')) traits.push('white');
  if (typeof status.mode === 'string') traits.push('mode');
  return traits;
}

/** The lamps with the warmest white; all others begin at 2700 K. */
const WARM_MODELS = new Set(['SHBLB-1', 'SHCB-1']);

/**
 * A lamp, whose command holds all that is to change. A coloured one is as bright as its `gain`, a white one as its
 * `brightness`; which of the two it is, it tells by its mode.
 * @param base the lamp's topic, such as `shellies/x/light/0`
 */
export function toGen1Light(base: string, traits: readonly LightTrait[], code: string | null): Config {
  const has = (trait: LightTrait): boolean => traits.includes(trait);
  const switches = has('rgb') && (has('temp') || has('brightness')) && has('mode');
  const level = '{{ (brightness / 2.55) | round | int }}';
  const levels = (['brightness', 'gain'] as const).filter(has).map((name) => `,"${name}":${level}`);
  // White LEDs beside the coloured ones go dark for a colour, or red would be pink.
  const whiteOff = has('white') ? ',"white":0' : '';
  const toColour = switches ? ',"mode":"color"' : '';
  const toWhite = switches ? ',"mode":"white"' : '';
  const members = [
    levels.length > 0 ? `{% if brightness is defined %}${levels.join('')}{% endif %}` : '',
    has('rgb')
      ? `{% if red is defined %}${toColour},"red":{{ red }},"green":{{ green }},"blue":{{ blue }}${whiteOff}{% endif %}`
      : '',
    has('temp') ? `{% if color_temp is defined %}${toWhite},"temp":{{ color_temp | int }}{% endif %}` : '',
  ];
  return {
    schema: 'template',
    command_topic: `${base}/set`,
    command_on_template: `{"turn":"on"${members.join('')}}`,
    command_off_template: '{"turn":"off"}',
    state_topic: `${base}/status`,
    state_template: '{{ "on" if value_json.ison | is_defined else "off" }}',
    ...(levels.length > 0 ? { brightness_template: toBrightness(has) } : {}),
    ...(has('rgb')
      ? {
          red_template: toColourPart('red', switches),
          green_template: toColourPart('green', switches),
          blue_template: toColourPart('blue', switches),
        }
      : {}),
    ...(has('temp')
      ? {
          color_temp_kelvin: true,
          min_kelvin: code !== null && WARM_MODELS.has(code) ? 3000 : 2700,
          max_kelvin: 6500,
          color_temp_template: switches
            ? '{% if value_json.mode == "white" %}{{ value_json.temp | is_defined }}{% endif %}'
            : '{{ value_json.temp | is_defined }}',
        }
      : {}),
  };
}

function toBrightness(has: (trait: LightTrait) => boolean): string {
  const percent = (key: string): string => `{{ ((value_json.${key} | is_defined) * 2.55) | round | int }}`;
  if (!has('gain')) return percent('brightness');
  if (!has('brightness') || !has('mode')) return percent('gain');
  return `{% if value_json.mode == "white" %}${percent('brightness')}{% else %}${percent('gain')}{% endif %}`;
}

function toColourPart(key: string, switches: boolean): string {
  const part = `{{ value_json.${key} | is_defined }}`;
  return switches ? `{% if value_json.mode != "white" %}${part}{% endif %}` : part;
}
