/**
 * What a device can do or tell, by kind, with the one unit that its values have inside the hub. A door that talks to
 * devices converts on the way in and out, so that nobody else ever meets mired versus kelvin or 254 versus 100.
 *
 * | kind | value |
 * |---|---|
 * | on_off | true = on |
 * | brightness | percent, 1 to 100 (0 is never reported: off is on_off) |
 * | color_temperature | mired |
 * | color_hs | {hue: 0 to 360, saturation: 0 to 100} |
 * | effect | one of the options |
 * | open_close | of a cover or a valve: open, opening, closed, closing, stopped; takes open, close, stop |
 * | position, tilt | percent, 0 = closed, 100 = open |
 * | locked | locked, locking, unlocked, unlocking, jammed, open, opening; takes lock, unlock, open |
 * | alarm | disarmed, armed_home, armed_away, armed_night, armed_vacation, armed_custom_bypass, arming, pending, disarming, triggered; takes arm_home … disarm, trigger |
 * | vacuum | cleaning, docked, paused, idle, returning, error; takes start, pause, stop, return_to_base, clean_spot, locate |
 * | lawn_mower | mowing, paused, docked, returning, error; takes start_mowing, pause, dock |
 * | hvac_mode, preset_mode, fan_mode, swing_mode, swing_horizontal_mode, mode | one of the options |
 * | hvac_action, action | what the device does at the moment: heating, cooling, idle, off, humidifying … |
 * | target_temperature, target_temperature_high, target_temperature_low | °C |
 * | target_humidity | percent |
 * | speed | of a fan: percent, 0 = off |
 * | fan_speed | of a vacuum: one of the options |
 * | oscillation | true = oscillates |
 * | direction | forward, reverse |
 * | volume, duration, tone | of a siren, to go with its next start: percent, s, one of the options |
 * | button, scene | has no value; takes press, activate |
 * | button_event | what happened: one of the options. The same one twice is two events |
 * | select | one of the options |
 * | update | up_to_date, available, installing; takes install |
 * | installed_version, latest_version | text |
 * | location | home, not_home or the name of a zone |
 * | temperature | °C |
 * | humidity, battery | percent |
 * | power / energy / voltage / current / frequency | W / kWh / V / A / Hz |
 * | power_factor | -1 to 1; below 0 power is fed in |
 * | pressure / illuminance | hPa / lx |
 * | co2, co / pm1, pm25, pm10, voc | ppm / µg/m³ |
 * | aqi | the publisher's air quality index |
 * | motion, occupancy, contact, leak, smoke, co_detected, gas_detected, battery_low, problem, connectivity, tamper, vibration, sound | true = detected, open, wet, low … |
 * | number, text, binary | what has no kind of its own; the unit is the reported one |
 */
export const CAPABILITY_KINDS = [
  'on_off',
  'brightness',
  'color_temperature',
  'color_hs',
  'effect',
  'open_close',
  'position',
  'tilt',
  'locked',
  'alarm',
  'vacuum',
  'lawn_mower',
  'hvac_mode',
  'hvac_action',
  'preset_mode',
  'fan_mode',
  'swing_mode',
  'swing_horizontal_mode',
  'mode',
  'action',
  'target_temperature',
  'target_temperature_high',
  'target_temperature_low',
  'target_humidity',
  'speed',
  'fan_speed',
  'oscillation',
  'direction',
  'volume',
  'duration',
  'tone',
  'button',
  'scene',
  'button_event',
  'select',
  'update',
  'installed_version',
  'latest_version',
  'location',
  'temperature',
  'humidity',
  'battery',
  'power',
  'energy',
  'voltage',
  'current',
  'frequency',
  'power_factor',
  'pressure',
  'illuminance',
  'co2',
  'co',
  'pm1',
  'pm25',
  'pm10',
  'voc',
  'aqi',
  'motion',
  'occupancy',
  'contact',
  'leak',
  'smoke',
  'co_detected',
  'gas_detected',
  'battery_low',
  'problem',
  'connectivity',
  'tamper',
  'vibration',
  'sound',
  'number',
  'text',
  'binary',
] as const;
export type CapabilityKind = (typeof CAPABILITY_KINDS)[number];

/** Kinds that tell of moments instead of a state: each report is told, however often it is the same. */
export const EVENT_KINDS: ReadonlySet<CapabilityKind> = new Set(['button_event']);
