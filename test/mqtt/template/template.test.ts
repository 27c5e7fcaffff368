import { describe, expect, it } from 'vitest';
import {
  parseTemplate,
  TemplateCache,
  TemplateError,
  templateVariables,
  type TemplateVariables,
} from '../../../src/mqtt/template/template.ts';

const PLUG = JSON.stringify({
  state: 'ON',
  power: 61.4,
  level: 128,
  empty: null,
  online: true,
  colors: [255, 0, 127],
  channels: [
    { id: 0, name: 'left' },
    { id: 1, name: 'right' },
  ],
  'relay:0': { 'temp.c': 37.8 },
  _secret: 1,
});

function render(template: string, variables: TemplateVariables = templateVariables(PLUG)): string {
  const rendered = parseTemplate(template, { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) }).render(
    variables,
  );
  return rendered.kind === 'skip' ? '(skip)' : rendered.text;
}

function failure(work: () => unknown): TemplateError {
  try {
    work();
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

describe('a template that is one plain path', () => {
  it.each([
    ['{{ value_json.state }}', 'ON'],
    ['{{value_json["power"]}}', '61.4'],
    ["{{ value_json['relay:0']['temp.c'] }}", '37.8'],
    ['{{ value_json.channels.1.name }}', 'right'],
    ['{{ value_json.colors[-1] }}', '127'],
    ['{{ value_json.empty }}', 'None'],
    ['{{ value_json.online }}', 'True'],
    ['{{ value_json.missing }}', ''],
    ['{{ value_json.channels[0] }}', "{'id': 0, 'name': 'left'}"],
    ['{{ nothing }}', ''],
  ])('%s gives %s', (template, expected) => {
    expect(render(template)).toBe(expected);
    // The parentheses of a second output keep the short cut out of it.
    expect(render(`${template}{{ '' }}`)).toBe(expected);
  });

  it('gives the text of the payload without the space around it', () => {
    expect(render('{{ value }}', templateVariables(' 21.50\n'))).toBe('21.50');
  });

  it('prints large and small numbers as Python does', () => {
    expect(render('{{ value_json }}', templateVariables('1e-7'))).toBe('1e-07');
    expect(render('{{ value_json }}', templateVariables('1234567.25'))).toBe('1234567.25');
  });

  it('fails where the way to the value is missing', () => {
    const error = failure(() => render('{{ value_json.absent.state }}'));
    expect(error.message).toBe(
      'There is no "absent" in value_json, so "state" can\'t be read from it (line 1, column 21).',
    );
    expect(error.position).toBe(20);
  });
});

describe('expressions', () => {
  it.each([
    ['{{ 1 + 2 * 3 ** 2 }}', '19'],
    ['{{ -2|abs }} {{ --2 }} {{ +3 }}', '2 2 3'],
    ['{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }}', '3 -4 2 3.5 3.0'],
    ['{{ 2 ** -1 }} {{ 2 ** 3 }} {{ 2.0 ** 3 }} {{ 1e16 }} {{ 0x1f }}', '0.5 8 8.0 1e+16 31'],
    ["{{ 'a' ~ 1 ~ none ~ true }}", 'a1NoneTrue'],
    ["{{ 'ab' * 2 }} {{ [0] * 2 }} {{ [1] + [2] }} {{ 'a' + 'b' }}", 'abab [0, 0] [1, 2] ab'],
    ["{{ 'level'[::-1] }} {{ 'level'[1:3] }} {{ [1, 2, 3][-2:] }} {{ (1, 2)[0:1] }}", 'level ev [2, 3] (1,)'],
    ['{{ (1,) }} {{ () }} {{ 1, 2 }} {{ [] }} {{ {} }}', '(1,) () (1, 2) [] {}'],
    [`{{ {'a': [1, 2.0, none, true], 2: "it's"} }}`, `{'a': [1, 2.0, None, True], 2: "it's"}`],
    ['{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ "1" == 1 }}', 'True False True False'],
    ["{{ 2 in [1, 2] }} {{ 'x' not in {'x': 1} }} {{ 'b' in 'abc' }}", 'True False True'],
    ["{{ {1: 'one'}[true] }} {{ {none: 'nothing'}[value_json.empty] }}", 'one nothing'],
    ["{{ not 1 == 2 }} {{ none or 'other' }} {{ 0 and 1 }}", 'True other 0'],
    ["{{ 'a' if false }}|{{ 'a' if false else 'b' if false else 'c' }}", '|c'],
    ["{{ 'one' 'two' }} {{ '\\x41\\u00e9' }} {{ '\\d' }}", 'onetwo Aé \\d'],
    ['{{ value_json.level * 100 / 255 }}', '50.19607843137255'],
    ['{{ 0.1 + 0.2 }} {{ 100 * 1.0 }} {{ true + 1 }}', '0.30000000000000004 100.0 2'],
    ['{{ nothing }}|{{ nothing ~ "x" }}|{{ nothing == absent }}', '|x|True'],
    ['{{ [nothing] }}', '[Undefined]'],
  ])('%s gives %s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});

describe('statements', () => {
  it.each([
    [
      '{% if value_json.level > 100 %}high{% elif value_json.level > 50 %}mid{% else %}low{% endif %}',
      'high',
    ],
    ['{% if false %}a{% elif 1 %}b{% else %}c{% endif %}', 'b'],
    [
      '{% for c in value_json.colors %}{{ loop.index }}:{{ c }}{{ "," if not loop.last }}{% endfor %}',
      '1:255,2:0,3:127',
    ],
    ['{% for c in value_json.colors if c > 0 %}{{ loop.length }}{% else %}none{% endfor %}', '22'],
    ['{% for c in [] %}{{ c }}{% else %}none{% endfor %}', 'none'],
    ["{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", 'a=1;b=2;'],
    [
      '{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}',
      '013',
    ],
    [
      "{% for x in 'a', 'b' %}{{ loop.previtem|default('-') }}{{ loop.revindex }}{{ x }} {% endfor %}",
      '-2a a1b',
    ],
    ['{% set a, b = 1, 2 %}{{ a + b }}', '3'],
    ['{% set x = 1 %}{% for i in [5] %}{% set x = i %}{{ x }}{% endfor %}{{ x }}', '51'],
    ['{% if true %}{% set x = 2 %}{% endif %}{{ x }}', '2'],
    [
      '{% set ns = namespace(sum=0) %}{% for c in value_json.colors %}{% set ns.sum = ns.sum + c %}{% endfor %}{{ ns.sum }}',
      '382',
    ],
    ['{% set text %}a {{ 1 + 1 }}{% endset %}[{{ text }}]', '[a 2]'],
    ['{% set l = [] %}{% do l.append(1) %}{{ l }}', '[1]'],
    ['a {#- no -#} b {%- if true -%} c {%- endif %} d', 'abc d'],
    ['{% raw %}{{ as it is }}{% endraw %}', '{{ as it is }}'],
    ['{{{"on":value_json.online}|to_json}}', '{"on":true}'],
    ['{"level":{{ value_json.level }}}', '{"level":128}'],
  ])('%s gives %s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it('may not change a list of the payload, which other templates read too', () => {
    const variables = templateVariables('[1]');
    expect(failure(() => render('{% do value_json.append(2) %}', variables)).message).toContain(
      'made itself',
    );
    expect(render('{{ value_json }}', variables)).toBe('[1]');
  });
});

describe('times', () => {
  it.each([
    ['{{ utcnow().isoformat() }}', '2026-01-02T03:04:05.678000+00:00'],
    ['{{ utcnow() }}', '2026-01-02 03:04:05.678000+00:00'],
    ['{{ utcnow().year }} {{ now().timestamp() }}', '2026 1767323045.678'],
    ["{{ utcnow().strftime('%H:%M:%S %A %j %q %%') }}", '03:04:05 Friday 002 %q %'],
    ['{{ (as_timestamp(now()) - 5.678)|round|timestamp_utc }}', '2026-01-02T03:04:00+00:00'],
    ["{{ 0|timestamp_custom('%Y-%m-%d %I %p', false) }}", '1970-01-01 12 AM'],
    ["{{ as_timestamp('2026-01-02T04:04:05+01:00') }}", '1767323045.0'],
    ["{{ 'never'|as_timestamp(0) }} {{ 'x'|timestamp_local('?') }}", '0 ?'],
    ['{{ (1767323045|timestamp_local)|as_timestamp }}', '1767323045.0'],
  ])('%s gives %s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});

describe('is_defined', () => {
  it.each([
    '{{ value_json.soil | is_defined }}',
    '{{ value_json.a.b | is_defined }}',
    '{{ (nothing|is_defined) + 1 }}',
  ])('%s skips the update where the value is missing', (template) => {
    expect(parseTemplate(template).render(templateVariables(PLUG))).toEqual({ kind: 'skip' });
  });

  it('lets a value through, None included', () => {
    expect(render('{{ value_json.empty | is_defined }}')).toBe('None');
  });

  it('skips where the payload is no JSON', () => {
    expect(render('{{ value_json.power | is_defined }}', templateVariables('offline'))).toBe('(skip)');
  });
});

describe('errors', () => {
  it.each([
    ['{{ value', 0, 'The template ends inside "{{": "}}" is missing (line 1, column 1).'],
    ['ab\n{% if x %}', 3, 'The block that begins here needs "{% endif %}" (line 2, column 1).'],
    ['{{ 1 2 }}', 5, 'Here there is "2" where "}}" is expected (line 1, column 6).'],
    ['{{ value|shout }}', 9, 'There is no filter "shout" (line 1, column 10).'],
    ['{{ value is loud }}', 12, 'There is no test "loud" (line 1, column 13).'],
    ["{{ 'abc }}", 3, "A text that begins with ' never ends (line 1, column 4)."],
    ['{{ (1] }}', 5, '"]" closes a bracket, but ")" is expected there (line 1, column 6).'],
    ['{% include "x" %}', 3, 'The block "include" is not known or has no beginning (line 1, column 4).'],
    ['{% break %}', 3, '"break" stands outside of a loop (line 1, column 4).'],
    ['{# note', 0, 'The template ends inside a comment: "#}" is missing (line 1, column 1).'],
    ['{{ a ? b }}', 5, 'The character "?" has no meaning there (line 1, column 6).'],
    ['{{ f(a=1, 2) }}', 10, 'An argument without a name follows one with a name (line 1, column 11).'],
  ])('%s can not be parsed', (template, position, message) => {
    const error = failure(() => parseTemplate(template));
    expect(error.message).toBe(message);
    expect(error.position).toBe(position);
  });

  it.each([
    ["{{ 'ON'|float }}", '"ON" is no number, and no default is given (line 1, column 9).'],
    ['{{ 1 / 0 }}', 'A number is divided by zero (line 1, column 6).'],
    ["{{ 'a' + 1 }}", 'A text and a number can\'t be joined by "+" (line 1, column 8).'],
    ["{{ 1 < 'a' }}", "A number can't be compared with a text (line 1, column 4)."],
    ['{{ states("sensor.x") }}', '"states" is not defined (line 1, column 10).'],
    ['{{ nothing + 1 }}', '"nothing" is not defined (line 1, column 12).'],
    ['{{ [1].sort() }}', 'A list has no method "sort" (line 1, column 7).'],
    ["{{ ''|from_json }}", 'The text "" is no JSON (line 1, column 7).'],
    ['{{ nothing|tojson }}', '"nothing" is not defined (line 1, column 12).'],
    ['{% set a, b = [1] %}', "1 values can't be spread over 2 names (line 1, column 1)."],
    ["{{ '%d' % 'x' }}", "A text can't be formatted as a number (line 1, column 9)."],
  ])('%s can not be rendered', (template, message) => {
    expect(failure(() => render(template)).message).toBe(message);
  });
});

describe('templateVariables', () => {
  it('has no value_json where the payload is no JSON', () => {
    expect(render('{{ value_json is defined }} {{ value }}', templateVariables('open'))).toBe('False open');
  });

  it('reads a payload that is a lone number as JSON and as text', () => {
    expect(render("{{ value_json + 1 }} {{ value ~ '1' }}", templateVariables('20'))).toBe('21 201');
  });

  it('parses the payload once for all templates', () => {
    const variables = templateVariables('{"a":1}');
    expect(variables['value_json']).toBe(variables['value_json']);
  });

  it('adds what the caller knows besides', () => {
    expect(
      render('{{ value_json.a | default(this.state) }}', templateVariables('{}', { this: { state: '7' } })),
    ).toBe('7');
  });
});

describe('TemplateCache', () => {
  it('gives the same template for the same text', () => {
    const cache = new TemplateCache();
    expect(cache.get('{{ value }}')).toBe(cache.get('{{ value }}'));
  });

  it('drops the template that was asked for longest ago', () => {
    const cache = new TemplateCache(2);
    const first = cache.get('a');
    const second = cache.get('b');
    cache.get('a');
    cache.get('c');
    expect(cache.get('a')).toBe(first);
    expect(cache.get('b')).not.toBe(second);
  });

  it('throws for a template that can not be parsed', () => {
    expect(() => new TemplateCache().get('{{')).toThrow(TemplateError);
  });
});
