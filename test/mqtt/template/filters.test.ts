import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../src/mqtt/template/template.ts';

function render(template: string): unknown {
  const rendered = parseTemplate(template).render({
    rooms: [{ name: 'Hall', at: { floor: 1 } }, { name: 'attic' }],
  });
  return rendered.kind === 'text' ? rendered.text : rendered.kind;
}

function gives(cases: readonly (readonly [string, string])[]): void {
  it.each(cases)('%s gives %s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
}

describe('filters on numbers', () => {
  gives([
    [
      "{{ 3.7|int }} {{ '42.9'|int }} {{ 'x'|int(5) }} {{ '0x1F'|int(0, 16) }} {{ 'ff'|int(base=16) }}",
      '3 42 5 31 255',
    ],
    ["{{ '5'|float }} {{ '1e3'|float }} {{ '?'|float(1.5) }} {{ nothing|float(0) }}", '5.0 1000.0 1.5 0'],
    [
      '{{ 2.5|round }} {{ 3.5|round }} {{ 1.45|round(1) }} {{ 0.125|round(2) }} {{ 2.675|round(2) }}',
      '2 4 1.4 0.12 2.67',
    ],
    [
      "{{ 1250|round(-2) }} {{ 2.1|round(0, 'ceil') }} {{ 2.19|round(1, 'floor') }} {{ 2.3|round(1, 'half') }}",
      '1200.0 3 2.1 2.5',
    ],
    ["{{ '?'|round(1, default=0) }} {{ 5|round(1) }} {{ -0.5|round }}", '0 5.0 0'],
    ['{{ 2|multiply(3) }} {{ "2.5"|add(1) }} {{ 6|bitwise_and(4) }} {{ 6|bitwise_or(1) }}', '6.0 3.5 4 7'],
    ["{{ 'on'|bool }} {{ 'No'|bool }} {{ 'maybe'|bool('?') }} {{ 0|bool }}", 'True False ? False'],
    [
      "{{ 25|is_number }} {{ '3.5'|is_number }} {{ 'x'|is_number }} {{ 'nan'|is_number }}",
      'True True False False',
    ],
    ['{{ -3|abs }} {{ -3.0|abs }} {{ max(1, 2.5) }} {{ min([3, 1]) }}', '3 3.0 2.5 1'],
    ["{{ iif(1, 'a', 'b') }} {{ none|iif('a', 'b', 'c') }} {{ false|iif }}", 'a c False'],
  ]);
});

describe('filters on texts', () => {
  gives([
    ["{{ 'hELLO'|capitalize }} {{ 'a b'|title }} {{ true|lower }} {{ 'é'|upper }}", 'Hello A B true É'],
    ["{{ 'aaa'|replace('a', 'b', 2) }} {{ ' x '|trim }} {{ '-x-'|trim('-') }}", 'bba x x'],
    [
      "{{ 'kitchen window left'|truncate(11) }} {{ 'abcdefghijk'|truncate(5, true, '', 0) }}",
      'kitchen... abcde',
    ],
    ["{{ '%d %05.1f %02X %s %%'|format(3, 2.25, 10, 'q') }} {{ '%.1f' % 0.25 }}", '3 002.2 0A q % 0.2'],
    ["{{ '{:.2f} {:>4} {:04d} {0}'.format(1.005, 'a', 42) }}", '1.00    a 0042 1.005'],
    ["{{ '{name}-{{}} {:+d} {:,}'.format(3, 1234567, name='n') }}", 'n-{} +3 1,234,567'],
    [
      "{{ 'a,b,c'.split(',', 1) }} {{ ' a  b '.split() }} {{ 'a.b.c'.rsplit('.', 1) }}",
      "['a', 'b,c'] ['a', 'b'] ['a.b', 'c']",
    ],
    ["{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }} {{ '-5'.zfill(4) }}", 'True True -005'],
    [
      "{{ 'xxaxx'.strip('x') }} {{ 'abca'.count('a') }} {{ 'abc'.find('c') }} {{ '12'.isdigit() }}",
      'a 2 2 True',
    ],
    [
      "{{ nothing|lower }}|{{ none|string }}|{{ nothing|default('d') }}|{{ ''|default('d', true) }}|{{ none|d('x') }}",
      '|None|d|d|None',
    ],
  ]);
});

describe('filters on lists', () => {
  gives([
    [
      "{{ [3, 1, 2]|sort }} {{ ['b', 'A']|sort }} {{ [1, 2]|sort(reverse=true) }}",
      "[1, 2, 3] ['A', 'b'] [2, 1]",
    ],
    [
      "{{ rooms|map(attribute='name')|join('+') }} {{ rooms|map(attribute='at.floor', default='?')|list if false }}",
      'Hall+attic',
    ],
    ["{{ rooms|selectattr('at', 'defined')|map(attribute='at.floor')|list }}", '[1]'],
    ["{{ rooms|rejectattr('name', 'eq', 'Hall')|map(attribute='name')|first }}", 'attic'],
    [
      "{{ [1, 5]|select('>', 2)|list }} {{ [0, 1]|select|list }} {{ [1, 2]|reject('eq', 1)|list }}",
      '[5] [1] [2]',
    ],
    ["{{ ['1', '2']|map('int')|sum }} {{ [1.5, 1.5]|sum }} {{ rooms|length }}", '3 3.0 2'],
    [
      "{{ [1, 1, 2]|unique|list }} {{ ['b', 'a']|min }} {{ [1, 3]|max }} {{ []|max is defined }}",
      '[1, 2] a 3 False',
    ],
    [
      "{{ [1, 2]|first }}{{ [1, 2]|last }}{{ []|first }} {{ 'abc'|list }} {{ [1, 2]|reverse }}",
      "12 ['a', 'b', 'c'] [2, 1]",
    ],
    [
      "{{ dict(a=1) }} {{ dict([('b', 2)]) }} {{ zip([1, 2], 'ab')|list }} {{ dict.from_keys([('c', 3)]) }}",
      "{'a': 1} {'b': 2} [(1, 'a'), (2, 'b')] {'c': 3}",
    ],
    [
      "{{ {'a': none}.get('a', 2) }} {{ {}.get('b', 2) }} {{ {'a': 1}.keys() }} {{ {'a': 1}|items|list }}",
      "None 2 ['a'] [('a', 1)]",
    ],
    ['{{ range(3)|list }} {{ range(10, 0, -4)|list }}', '[0, 1, 2] [10, 6, 2]'],
  ]);
});

describe('JSON', () => {
  gives([
    ["{{ {'a': [1, 2.0, none, true], 1: 'x'}|tojson }}", '{"a": [1, 2.0, null, true], "1": "x"}'],
    ["{{ {'b': 1, 'a': []}|to_json(sort_keys=true) }}", '{"a":[],"b":1}'],
    ["{{ {'a': {'b': 1}}|tojson(indent=2) }}", '{\n  "a": {\n    "b": 1\n  }\n}'],
    [`{{ ('{"a":[1,2]}'|from_json).a[1] }} {{ '?'|from_json(default=0) }}`, '2 0'],
  ]);
});

describe('tests', () => {
  gives([
    [
      '{{ 1 is number }} {{ "1" is number }} {{ {} is mapping }} {{ [] is sequence }} {{ true is boolean }}',
      'True False True True True',
    ],
    [
      '{{ 6 is divisibleby 3 }} {{ 3 is odd }} {{ 1 is not in [1] }} {{ none is not none }} {{ 1 is eq(1) }}',
      'True True False False True',
    ],
    [
      "{{ nothing is defined }} {{ nothing is undefined }} {{ 'abc' is match('b') }} {{ 'abc' is search('b') }}",
      'False True False True',
    ],
  ]);
});

describe('regular expressions', () => {
  gives([
    [
      String.raw`{{ 'dim_up_12'|regex_findall('^(?P<what>[a-z]+)_(up|down)(?:_(\\d+))?$') }}`,
      "[('dim', 'up', '12')]",
    ],
    [
      String.raw`{{ 'dim_up'|regex_findall('^(?P<what>[a-z]+)_(up|down)(?:_(\\d+))?$') }}`,
      "[('dim', 'up', '')]",
    ],
    [
      String.raw`{{ '21.5 C'|regex_findall_index('[-+]?[0-9]+(?:\\.[0-9]+)?') }} {{ 'a1b22'|regex_findall('\\d+') }}`,
      "21.5 ['1', '22']",
    ],
    [String.raw`{{ 'k=1; l=22'|regex_replace('(?P<k>\\w+)=(\\d+)', '\\2:\\g<k>') }}`, '1:k; 22:l'],
    ["{{ 'abc'|regex_replace('b*', '-') }} {{ 'aBc'|regex_replace('[^b]', '.', true) }}", '-a--c- .B.'],
    [
      "{{ 'aaa'|regex_findall('a+?') }} {{ 'aaaa'|regex_findall('a{1,3}') }} {{ 'x{a}'|regex_findall('{a}') }}",
      "['a', 'a', 'a'] ['aaa', 'a'] ['{a}']",
    ],
    [
      "{{ 'ABC'|regex_search('(?i)b') }} {{ 'ABC'|regex_match('b', ignorecase=true) }} {{ '00:1a'|regex_match('^([0-9a-f]{2}:?)+$') }}",
      'True False True',
    ],
    [
      String.raw`{{ 'a-b c'|regex_findall('\\b\\w') }} {{ '[x]'|regex_findall('[]x]') }} {{ 'a😀'|regex_findall('.') }}`,
      "['a', 'b', 'c'] ['x', ']'] ['a', '😀']",
    ],
    [
      String.raw`{{ 'a\nb'|regex_findall('(?m)^.') }} {{ 'a\nb'|regex_findall('(?s)a.*') }} {{ 'a\n'|regex_search('a$') }}`,
      "['a', 'b'] ['a\\nb'] True",
    ],
  ]);

  it.each([
    ['(', 'is not closed'],
    ['a)', 'not open'],
    ['[a', 'in the middle'],
    ['a**', 'repeats a repeat'],
    ['*a', 'can not be repeated'],
    ['(?=a)', 'are supported'],
    ['(a)\\\\1', 'is not supported'],
    ['[z-a]', 'can not be'],
    ['a{5,2}', 'ends before it begins'],
  ])('%s is refused', (pattern, message) => {
    expect(() => render(`{{ 'a'|regex_match('${pattern}') }}`)).toThrow(message);
  });
});
