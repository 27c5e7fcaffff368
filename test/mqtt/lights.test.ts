import { describe, expect, test, vi } from 'vitest';

import type { CapabilityValue, SinkWrite } from '../../src/devices/types.ts';
import type { Codec } from '../../src/mqtt/components/codec.ts';

import { silentLogger } from '../../src/base/log.ts';
import { toCodec } from '../../src/mqtt/components/components.ts';
import { hsToRgb, hsToXy, rgbToHs, xyToHs } from '../../src/mqtt/components/colour.ts';
import { Templates } from '../../src/mqtt/components/templates.ts';
import { expandConfig } from '../../src/mqtt/discovery/expand.ts';
import { Message } from '../../src/mqtt/message.ts';
import { announce, listen, startHouse } from './harness.ts';

class Lamp {
  readonly codec: Codec;

  constructor(config: Record<string, unknown>) {
    const expanded = expandConfig({ cmd_t: 'lamp/set', stat_t: 'lamp', ...config });
    const codec = toCodec('light', expanded, new Templates(silentLogger));
    if (typeof codec === 'string') throw new Error(codec);
    this.codec = codec;
  }

  get kinds(): string[] {
    return this.codec.capabilities.map(({ kind }) => kind);
  }

  /** What a message tells. */
  tell(state: unknown, topic = 'lamp'): Record<string, CapabilityValue> {
    const text = typeof state === 'string' ? state : JSON.stringify(state);
    const message = new Message({ topic, payload: Buffer.from(text), retained: false });
    return Object.fromEntries(this.codec.decode(message).map(({ kind, value }) => [kind, value]));
  }

  /** What a command sends, as `topic payload`. */
  command(...writes: SinkWrite[]): string[] {
    return (this.codec.encode?.(writes).messages ?? []).map(({ topic, payload }) => `${topic} ${payload}`);
  }

  /** What a command is believed to have done. */
  assumed(...writes: SinkWrite[]): Record<string, CapabilityValue> {
    return Object.fromEntries(
      (this.codec.encode?.(writes).assumed ?? []).map(({ kind, value }) => [kind, value]),
    );
  }
}

const on: SinkWrite = { kind: 'on_off', value: true };
const off: SinkWrite = { kind: 'on_off', value: false };
const brightness = (value: number): SinkWrite => ({ kind: 'brightness', value });
const temperature = (value: number): SinkWrite => ({ kind: 'color_temperature', value });
const colour = (hue: number, saturation: number): SinkWrite => ({
  kind: 'color_hs',
  value: { hue, saturation },
});
const effect = (value: string): SinkWrite => ({ kind: 'effect', value });

describe('colours', () => {
  test.each([
    [0, 100, [255, 0, 0]],
    [120, 100, [0, 255, 0]],
    [240, 100, [0, 0, 255]],
    [30, 50, [255, 191, 128]],
    [360, 0, [255, 255, 255]],
  ])('hue %d at %d %% is rgb %j', (hue, saturation, rgb) => {
    expect(hsToRgb({ hue, saturation })).toEqual(rgb);
  });

  test('rgb and back, for every hue', () => {
    for (let hue = 0; hue < 360; hue += 7) {
      const back = rgbToHs(hsToRgb({ hue, saturation: 80 }));
      expect(back?.hue).toBeCloseTo(hue, -0.5);
      expect(back?.saturation).toBeCloseTo(80, -0.5);
    }
  });

  test('xy and back, for every hue', () => {
    for (let hue = 0; hue < 360; hue += 7) {
      const back = xyToHs(hsToXy({ hue, saturation: 100 }));
      expect(Math.abs((back?.hue ?? 999) - hue)).toBeLessThan(2);
      expect(back?.saturation).toBeGreaterThan(98);
    }
  });

  test('white keeps the hue before it; nonsense is no colour', () => {
    expect(rgbToHs([9, 9, 9], 77)).toEqual({ hue: 77, saturation: 0 });
    expect(rgbToHs([0, 0, 0], 77)).toBeNull();
    expect(rgbToHs([300, 0, 0])).toBeNull();
    expect(xyToHs([100, 50])).toBeNull();
    expect(xyToHs([0.3, 0])).toBeNull();
  });
});

describe('JSON schema', () => {
  const config = {
    schema: 'json',
    brightness: true,
    bri_scl: 254,
    sup_clrm: ['xy', 'color_temp'],
    min_mirs: 153,
    max_mirs: 454,
    effect: true,
    fx_list: ['blink', 'none'],
  };

  test('says what it can do', () => {
    expect(new Lamp(config).codec.capabilities).toEqual([
      { kind: 'on_off', unit: null, range: null, writable: true },
      { kind: 'brightness', unit: '%', range: { min: 1, max: 100 }, writable: true },
      { kind: 'color_temperature', unit: 'mired', range: { min: 153, max: 454 }, writable: true },
      { kind: 'color_hs', unit: null, range: null, writable: true },
      { kind: 'effect', unit: null, range: null, writable: true, options: ['blink', 'none'] },
    ]);
    expect(new Lamp({ schema: 'json', sup_clrm: ['onoff'] }).kinds).toEqual(['on_off']);
    expect(new Lamp({ schema: 'json', sup_clrm: ['rgb'] }).kinds).toEqual([
      'on_off',
      'brightness',
      'color_hs',
    ]);
    expect(new Lamp({ schema: 'json', brightness: 'true' }).kinds).toEqual(['on_off', 'brightness']);
  });

  test('a message about one property leaves the others alone', () => {
    const lamp = new Lamp(config);
    expect(lamp.tell({ state: 'ON' })).toEqual({ on_off: true });
    expect(lamp.tell({ brightness: 254 })).toEqual({ brightness: 100 });
    expect(lamp.tell({ brightness: 1, state: 'OFF' })).toEqual({ on_off: false, brightness: 1 });
    expect(lamp.tell({ brightness: 0, state: 'OFF' })).toEqual({ on_off: false });
    expect(lamp.tell({ linkquality: 99 })).toEqual({});
    expect(lamp.tell('no JSON')).toEqual({});
    expect(lamp.tell('[1]')).toEqual({});
  });

  test('null is unknown, and never off', () => {
    expect(new Lamp(config).tell({ state: null, brightness: null, color_temp: null, effect: null })).toEqual({
      on_off: null,
      brightness: null,
      color_temperature: null,
      effect: null,
    });
  });

  test('only the colour or the white that is in use is told', () => {
    const lamp = new Lamp(config);
    const white = { color_mode: 'color_temp', color_temp: 300, color: { x: 0.41, y: 0.39 } };
    expect(lamp.tell(white)).toEqual({ color_hs: null, color_temperature: 300 });
    expect(lamp.tell({ color: { x: 0.1, y: 0.5 } })).toEqual({});
    const coloured = lamp.tell({ color_mode: 'xy', color_temp: 79, color: { x: 0.7, y: 0.3 } });
    expect(coloured).toEqual({ color_hs: expect.any(Object), color_temperature: null });
    expect(lamp.tell({ color_mode: 'color_temp' })).toEqual({ color_hs: null, color_temperature: 153 });
  });

  test('a colour is read from whatever form comes; hue and saturation are taken as they are', () => {
    const lamp = new Lamp(config);
    const both = { color_mode: 'hs', color: { hue: 12.5, saturation: 90, x: 0.1, y: 0.1 } };
    expect(lamp.tell(both)).toEqual({ color_hs: { hue: 12.5, saturation: 90 }, color_temperature: null });
    expect(lamp.tell({ color: { h: 0, s: 100 } })).toEqual({ color_hs: { hue: 0, saturation: 100 } });
    expect(lamp.tell({ color: { r: 0, g: 0, b: 255 } })).toEqual({ color_hs: { hue: 240, saturation: 100 } });
    expect(lamp.tell({ color: {} })).toEqual({});
    expect(lamp.tell({ color_mode: 'xy', color: { x: 100, y: 50 } })).toEqual({});
  });

  test('a white outside the range is brought into it, 0 is ignored', () => {
    const lamp = new Lamp(config);
    expect(lamp.tell({ color_temp: 50 })).toEqual({ color_temperature: 153 });
    expect(lamp.tell({ color_temp: 548 })).toEqual({ color_temperature: 454 });
    expect(lamp.tell({ color_temp: 0 })).toEqual({});
  });

  test('a command is one message, and off is nothing but off', () => {
    const lamp = new Lamp(config);
    expect(lamp.command(on)).toEqual(['lamp/set {"state":"ON"}']);
    expect(lamp.command(off, brightness(10))).toEqual(['lamp/set {"state":"OFF"}']);
    expect(lamp.command(on, brightness(50), temperature(300), effect('blink'))).toEqual([
      'lamp/set {"state":"ON","brightness":127,"color_temp":300,"effect":"blink"}',
    ]);
    expect(lamp.command(brightness(1))).toEqual(['lamp/set {"state":"ON","brightness":3}']);
    expect(lamp.assumed(on, brightness(50))).toEqual({});
  });

  test.each([
    ['hs', '{"h":240,"s":100}'],
    ['xy', '{"x":0.1355,"y":0.0399}'],
    ['rgb', '{"r":0,"g":0,"b":255}'],
    ['rgbw', '{"r":0,"g":0,"b":255,"w":0}'],
    ['rgbww', '{"r":0,"g":0,"b":255,"c":0,"w":0}'],
  ])('blue for a lamp that speaks %s', (mode, expected) => {
    const lamp = new Lamp({ schema: 'json', sup_clrm: [mode] });
    expect(lamp.command(colour(240, 100))).toEqual([`lamp/set {"state":"ON","color":${expected}}`]);
  });

  test('kelvin is converted both ways, its limits swap', () => {
    const lamp = new Lamp({
      schema: 'json',
      sup_clrm: ['color_temp'],
      clr_temp_k: 'true',
      min_k: 2000,
      max_k: 5000,
    });
    expect(lamp.codec.capabilities[2]?.range).toEqual({ min: 200, max: 500 });
    expect(lamp.tell({ color_temp: 4000 })).toEqual({ color_temperature: 250 });
    expect(lamp.command(temperature(250))).toEqual(['lamp/set {"state":"ON","color_temp":4000}']);
  });

  test('without a state topic the command is taken at its word', () => {
    const lamp = new Lamp({ ...config, stat_t: '' });
    expect(lamp.assumed(brightness(50), colour(10, 20))).toEqual({
      on_off: true,
      brightness: 50,
      color_hs: { hue: 10, saturation: 20 },
    });
    expect(lamp.assumed(off)).toEqual({ on_off: false });
  });

  test('what the lamp can not do is refused', () => {
    const lamp = new Lamp({ schema: 'json', sup_clrm: ['onoff'] });
    expect(() => lamp.command(brightness(10))).toThrow(/can't set brightness/);
    expect(() => lamp.command()).toThrow(/sets nothing/);
    expect(() => new Lamp(config).command(effect('explode'))).toThrow(/can't set effect/);
  });
});

describe('default schema', () => {
  const dimmer = {
    bri_cmd_t: 'lamp/bri/set',
    bri_stat_t: 'lamp/bri',
    bri_scl: 100,
    clr_temp_cmd_t: 'lamp/ct/set',
    clr_temp_stat_t: 'lamp/ct',
    hs_cmd_t: 'lamp/hs/set',
    hs_stat_t: 'lamp/hs',
    fx_cmd_t: 'lamp/fx/set',
    fx_stat_t: 'lamp/fx',
    fx_list: ['rainbow'],
    clrm_stat_t: 'lamp/mode',
  };

  test('each topic tells its property', () => {
    const lamp = new Lamp(dimmer);
    expect(lamp.kinds).toEqual(['on_off', 'brightness', 'color_temperature', 'color_hs', 'effect']);
    expect(lamp.codec.topics).toEqual(['lamp', 'lamp/bri', 'lamp/ct', 'lamp/fx', 'lamp/mode', 'lamp/hs']);
    expect(lamp.tell('ON')).toEqual({ on_off: true });
    expect(lamp.tell('OFF')).toEqual({ on_off: false });
    expect(lamp.tell('None')).toEqual({ on_off: null });
    expect(lamp.tell('toggle')).toEqual({});
    expect(lamp.tell('40', 'lamp/bri')).toEqual({ brightness: 40 });
    expect(lamp.tell('0', 'lamp/bri')).toEqual({});
    expect(lamp.tell('300', 'lamp/ct')).toEqual({ color_temperature: 300 });
    expect(lamp.tell('10.5,20', 'lamp/hs')).toEqual({ color_hs: { hue: 10.5, saturation: 20 } });
    expect(lamp.tell('10,abc', 'lamp/hs')).toEqual({});
    expect(lamp.tell('rainbow', 'lamp/fx')).toEqual({ effect: 'rainbow' });
  });

  test('a mode that comes after its colour brings it into use', () => {
    const lamp = new Lamp(dimmer);
    expect(lamp.tell('color_temp', 'lamp/mode')).toEqual({ color_hs: null });
    expect(lamp.tell('10,20', 'lamp/hs')).toEqual({});
    expect(lamp.tell('hs', 'lamp/mode')).toEqual({
      color_hs: { hue: 10, saturation: 20 },
      color_temperature: null,
    });
    expect(lamp.tell('300', 'lamp/ct')).toEqual({});
    expect(lamp.tell('color_temp', 'lamp/mode')).toEqual({ color_hs: null, color_temperature: 300 });
  });

  test('colour and level first, then ON; or the other way round', () => {
    const settings = ['lamp/hs/set 240,100', 'lamp/bri/set 30'];
    expect(new Lamp(dimmer).command(on, brightness(30), colour(240, 100))).toEqual([
      ...settings,
      'lamp/set ON',
    ]);
    expect(new Lamp({ ...dimmer, on_cmd_type: 'first' }).command(brightness(30), colour(240, 100))).toEqual([
      'lamp/set ON',
      ...settings,
    ]);
    expect(new Lamp(dimmer).command(on)).toEqual(['lamp/set ON']);
    expect(new Lamp(dimmer).command(off)).toEqual(['lamp/set OFF']);
    expect(new Lamp(dimmer).command(effect('rainbow'), temperature(300))).toEqual([
      'lamp/ct/set 300',
      'lamp/fx/set rainbow',
      'lamp/set ON',
    ]);
  });

  test('a lamp without ON is turned on by its last level', () => {
    const lamp = new Lamp({ ...dimmer, on_cmd_type: 'brightness' });
    expect(lamp.command(on)).toEqual(['lamp/bri/set 100']);
    lamp.tell('40', 'lamp/bri');
    expect(lamp.command(on)).toEqual(['lamp/bri/set 40']);
    expect(lamp.command(brightness(60))).toEqual(['lamp/bri/set 60']);
    expect(lamp.command(on)).toEqual(['lamp/bri/set 60']);
    expect(lamp.command(off)).toEqual(['lamp/set OFF']);
  });

  test('templates write the command', () => {
    const lamp = new Lamp({
      bri_cmd_t: 'rpc',
      bri_cmd_tpl: '{"brightness":{{value}}}',
      bri_scl: 100,
      rgbw_cmd_t: 'rpc',
      rgbw_cmd_tpl: '{"rgb":[{{red}},{{green}},{{blue}}],"white":{{white}}}',
      rgbw_stat_t: 'lamp',
      rgbw_val_tpl: '{{value_json.rgb[0]}},{{value_json.rgb[1]}},{{value_json.rgb[2]}},{{value_json.white}}',
      stat_val_tpl: '{{ "ON" if value_json.output else "OFF" }}',
      ret: true,
      qos: 1,
    });
    expect(lamp.command(brightness(30), colour(0, 100))).toEqual([
      'rpc {"rgb":[255,0,0],"white":0}',
      'rpc {"brightness":30}',
      'lamp/set ON',
    ]);
    expect(lamp.codec.encode?.([on]).messages).toEqual([
      { topic: 'lamp/set', payload: 'ON', qos: 1, retain: true },
    ]);
    expect(lamp.tell({ output: true, rgb: [0, 255, 0], white: 3 })).toEqual({
      on_off: true,
      color_hs: { hue: 120, saturation: 100 },
    });
  });

  test.each([
    ['rgb', '0,0,255'],
    ['rgbw', '0,0,255,0'],
    ['rgbww', '0,0,255,0,0'],
    ['xy', '0.1355,0.0399'],
  ])('blue on %s topics', (form, numbers) => {
    const lamp = new Lamp({ [`${form}_command_topic`]: 'c/set', [`${form}_state_topic`]: 'c' });
    expect(lamp.command(colour(240, 100))).toEqual([`c/set ${numbers}`, 'lamp/set ON']);
    const told = lamp.tell(numbers, 'c').color_hs as { hue: number };
    expect(told.hue).toBeCloseTo(240, -0.5);
  });

  test('what is not reported is taken at its word', () => {
    const lamp = new Lamp({ bri_cmd_t: 'b/set' });
    expect(lamp.assumed(on, brightness(30))).toEqual({ brightness: 30 });
    expect(new Lamp({ ...dimmer, opt: true }).assumed(on, brightness(30))).toEqual({
      on_off: true,
      brightness: 30,
    });
  });
});

describe('template schema', () => {
  const config = {
    schema: 'template',
    cmd_on_tpl:
      '{"on":true{%if brightness is defined%},"brightness":{{brightness|float|multiply(0.3922)|round}}{%endif%}' +
      '{%if color_temp is defined%},"ct":{{color_temp}}{%endif%}{%if red is defined%},"rgb":{{[red,green,blue]}}{%endif%}}',
    cmd_off_tpl: '{"on":false}',
    stat_tpl: '{%if value_json.output%}on{%else%}off{%endif%}',
    bri_tpl: '{{value_json.brightness|float|multiply(2.55)|round}}',
    clr_temp_tpl: '{{value_json.ct}}',
    clr_temp_k: 'true',
    max_k: 6500,
    min_k: 2700,
    r_tpl: '{{value_json.rgb[0]}}',
    g_tpl: '{{value_json.rgb[1]}}',
    b_tpl: '{{value_json.rgb[2]}}',
  };

  test("reads and writes in the device's own words", () => {
    const lamp = new Lamp(config);
    expect(lamp.kinds).toEqual(['on_off', 'brightness', 'color_temperature', 'color_hs']);
    expect(lamp.tell({ output: true, brightness: 50, ct: 4000, rgb: [0, 255, 0] })).toEqual({
      on_off: true,
      brightness: 50,
      color_temperature: 250,
      color_hs: { hue: 120, saturation: 100 },
    });
    expect(lamp.command(off)).toEqual(['lamp/set {"on":false}']);
    expect(lamp.command(on)).toEqual(['lamp/set {"on":true}']);
    expect(lamp.command(brightness(100), temperature(250))).toEqual([
      'lamp/set {"on":true,"brightness":100,"ct":4000}',
    ]);
    expect(lamp.command(colour(120, 100))).toEqual(['lamp/set {"on":true,"rgb":[0, 255, 0]}']);
  });

  test('without its two command templates it can not be used', () => {
    expect(() => new Lamp({ ...config, cmd_off_tpl: undefined })).toThrow(/no command_off_template/);
  });
});

describe('on the wire', () => {
  test("a command goes out with its QoS, and the report comes back as the device's own", async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const heard = await listen(device, 'lamp/set');
    await announce(device, 'homeassistant/light/lamp/config', {
      schema: 'json',
      cmd_t: 'lamp/set',
      stat_t: 'lamp',
    });
    await vi.waitFor(() => expect(house.registry.components.has('light/lamp')).toBe(true));
    await house.mqtt.sink.send('light/lamp', [on], 'http:1');
    await vi.waitFor(() => expect(heard).toEqual(['lamp/set {"state":"ON"}']));
    expect(house.registry.reports).toEqual([]);
    await device.publishAsync('lamp', '{"state":"ON"}', { qos: 1 });
    await vi.waitFor(() =>
      expect(house.registry.reports).toEqual([
        { componentId: 'light/lamp', kind: 'on_off', value: true, origin: 'mqtt' },
      ]),
    );
  });

  test('an optimistic switch reports the command with the origin of whoever gave it', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const heard = await listen(device, 'plug/set');
    const config = { cmd_t: 'plug/set', pl_on: '{"on":1}', cmd_tpl: 'go {{ value }}', ret: 'true' };
    await announce(device, 'homeassistant/switch/plug/config', config);
    await vi.waitFor(() => expect(house.registry.components.has('switch/plug')).toBe(true));
    await house.mqtt.sink.send('switch/plug', [on], 'homekit');
    await vi.waitFor(() => expect(heard).toEqual(['plug/set go {"on":1}']));
    expect(house.registry.reports).toEqual([
      { componentId: 'switch/plug', kind: 'on_off', value: true, origin: 'homekit' },
    ]);
    expect(await listen(await house.connect(), 'plug/set')).toBeDefined();
  });

  test('commands to nobody, or to what takes none, are refused', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await announce(device, 'homeassistant/sensor/s/config', { stat_t: 's' });
    await announce(device, 'homeassistant/switch/p/config', { cmd_t: 'p' });
    await vi.waitFor(() => expect(house.registry.components.size).toBe(2));
    const { sink } = house.mqtt;
    await expect(sink.send('switch/none', [on], 'x')).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(sink.send('sensor/s', [on], 'x')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(sink.send('switch/p', [brightness(1)], 'x')).rejects.toMatchObject({ kind: 'invalid' });
    await house.mqtt[Symbol.asyncDispose]();
    await expect(sink.send('switch/p', [on], 'x')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('a template that fails is complained about once, and the next message is read', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    const config = { cmd_t: 'p/set', stat_t: 'p', val_tpl: '{{ value_json.a.b.c }}' };
    await announce(device, 'homeassistant/switch/p/config', config);
    await device.publishAsync('p', '{"a":1}', { qos: 1 });
    await device.publishAsync('p', 'rubbish', { qos: 1 });
    await device.publishAsync('p', '{"a":{"b":{"c":"ON"}}}', { qos: 1 });
    await vi.waitFor(() => expect(house.registry.reports.map(({ value }) => value)).toEqual([true]));
  });
});
