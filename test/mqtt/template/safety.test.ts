import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate, TemplateError, templateVariables } from '../../../src/mqtt/template/template.ts';

/** Far above the interpreter's own deadline, so that a busy machine doesn't fail the test, and far below a freeze. */
const PATIENCE_MS = 2000;

const PAYLOAD = `{"a":1,"l":[1,2],"__proto__":{"x":1},"constructor":{"y":2},"_p":3,"deep":${'['.repeat(5000)}${']'.repeat(5000)}}`;

function render(template: string): string {
  const rendered = parseTemplate(template).render(templateVariables(PAYLOAD));
  return rendered.kind === 'text' ? rendered.text : rendered.kind;
}

describe('nothing of JavaScript can be reached', () => {
  it.each([
    '{{ {}.constructor }}',
    "{{ ''.constructor }}",
    '{{ [].constructor }}',
    '{{ range.constructor }}',
    '{{ range.call }}',
    '{{ now().epochS }}',
    '{{ [1].length }}',
    "{{ ''.length }}",
    '{{ namespace().values }}',
    '{{ namespace().constructor }}',
    '{{ toString }}',
    '{{ constructor }}',
    '{{ __proto__ }}',
    '{{ value_json.__proto__ }}',
    "{{ value_json['__proto__'] }}",
    '{{ value_json._p }}',
    "{{ [{}]|map(attribute='constructor')|first }}",
    "{{ [[]]|map(attribute='length')|first }}",
  ])('%s is missing', (template) => {
    expect(render(template)).toBe('');
  });

  it.each([
    "{{ value_json.a.constructor('return process')() }}",
    "{{ {}.constructor.constructor('return process')() }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ {}.hasOwnProperty('a') }}",
    '{{ [].push(1) }}',
    "{{ ''.at(0) }}",
    "{{ ''.repeat(3) }}",
    '{{ now().getTime() }}',
    '{{ loop.constructor() }}',
    "{{ {}.__defineGetter__('a', 1) }}",
  ])('%s fails', (template) => {
    expect(() => render(template)).toThrow(TemplateError);
  });

  it('a key that a device really sends is data, whatever its name', () => {
    expect(render('{{ value_json.constructor.y }}')).toBe('2');
    expect(render("{% set d = {'__proto__': 5, 'x': 6} %}{{ d.x }}{{ d.y }}{{ {}.x }}")).toBe('6');
  });
});

describe('a template can not use up the machine', () => {
  it.each([
    [
      'a loop in a loop',
      '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
      'steps',
    ],
    ['a range', '{{ range(1000000000) }}', 'range'],
    [
      'a text that doubles',
      "{% set n = namespace(s='0123456789') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      'characters',
    ],
    [
      'a list that doubles',
      '{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}',
      'steps',
    ],
    ['a list in itself', '{% set l = [] %}{% do l.append(l) %}{{ l }}', 'deeply'],
    [
      'two lists in themselves',
      '{% set l = [] %}{% set m = [] %}{% do l.append(l) %}{% do m.append(m) %}{{ l == m }}',
      'deeply',
    ],
    [
      'a list shared by itself',
      '{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}',
      'steps',
    ],
    [
      'such a list as JSON',
      '{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}',
      'steps',
    ],
    ['a deep payload', '{{ value_json.deep }}', 'deeply'],
    ['a deep payload as JSON', '{{ value_json|tojson }}', 'deeply'],
    ['a repeated text', "{{ 'a' * 1000000000 }}", 'characters'],
    ['a repeated list', '{{ [1] * 1000000000 }}', 'steps'],
    ['a replacement', "{{ ('a' * 60000)|replace('a', 'b' * 60000) }}", 'characters'],
    ['a joined list', "{{ (['a' * 60000] * 1000)|join('b' * 60000) }}", 'characters'],
    ['a wide format', "{{ '%999999999d' % 1 }}", 'characters'],
    ['a wide field', "{{ '{:999999999d}'.format(1) }}", 'characters'],
    ['many places', "{{ '%.99999f' % 1 }}", 'places'],
    ['a padded number', "{{ '1'.zfill(999999999) }}", 'characters'],
    ['much output', "{% for i in range(5000) %}{{ 'abcdefghijklmnopqrstuvwxyz' }}{% endfor %}", 'characters'],
    [
      'long texts over and over',
      "{% set t = 'a' * 60000 %}{% for i in range(9999) %}{% set x = t|upper %}{% endfor %}",
      'steps',
    ],
    ['a huge number', '{{ 10 ** 400 }}', 'too large'],
    [
      'a slow expression over and over',
      "{% for i in range(9999) %}{{ ('a' * 400)|regex_search('a*a*b') }}{% endfor %}",
      '',
    ],
    ['a large expression', "{{ 'a'|regex_search('((a{1,900}){1,900}){1,900}b') }}", 'too large'],
    ['a long expression', "{{ 'a'|regex_search('a' * 600) }}", 'longer than'],
    [
      'a replacement that grows',
      String.raw`{{ ('a' * 50000)|regex_replace('a+', '\\g<0>' * 5000) }}`,
      'characters',
    ],
    ['a sum of very many', `{{ 1${'+1'.repeat(5000)} }}`, 'deeply'],
    ['a path of very many', `{{ x${'.y'.repeat(5000)} }}`, 'deeply'],
  ])('%s is stopped', (_, template, message) => {
    const startedMs = performance.now();
    expect(() => render(template)).toThrow(TemplateError);
    // A busy machine may reach the deadline first, which is as good.
    expect(() => render(template)).toThrow(new RegExp(`${message}|more than 20 ms`));
    expect(performance.now() - startedMs).toBeLessThan(PATIENCE_MS);
  });

  it.each([
    ['parentheses', `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`],
    ['lists', `{{ ${'['.repeat(5000)}1${']'.repeat(5000)} }}`],
    ['signs', `{{ ${'-'.repeat(9000)}1 }}`],
    ['nots', `{{ ${'not '.repeat(4000)}1 }}`],
    ['ifs', '{% if 1 %}'.repeat(1500)],
    ['conditions', `{{ ${'1 if 0 else '.repeat(1000)}2 }}`],
    ['calls', `{{ ${'f('.repeat(4000)}${')'.repeat(4000)} }}`],
  ])('%s in each other are refused before they are run', (_, template) => {
    expect(() => parseTemplate(template)).toThrow('levels deep');
  });

  it('refuses a template of more than 16 KiB', () => {
    expect(() => parseTemplate('a'.repeat(16 * 1024 + 1))).toThrow('longer than');
  });

  it.each([
    '(a+)+b',
    '(a|a)*b',
    '(a|aa)+$b',
    `${'a?'.repeat(60)}${'a'.repeat(60)}b`,
    '(.*)*(.*)*(.*)*x',
    'a*a*a*a*a*a*b',
  ])('the expression %s takes no longer than any other', (pattern) => {
    const startedMs = performance.now();
    expect(render(`{{ ('a' * 100)|regex_search('${pattern}') }}`)).toBe('False');
    expect(performance.now() - startedMs).toBeLessThan(PATIENCE_MS);
  });
});

const PIECES = [
  [
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    '{%-',
    '-%}',
    '"',
    "'",
    '\\',
    '\n',
    ' ',
    'é',
    '😀',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
  ],
  [
    '|',
    '.',
    ',',
    ':',
    '=',
    '==',
    '!=',
    '<',
    '>=',
    '+',
    '-',
    '*',
    '/',
    '//',
    '%',
    '**',
    '~',
    '0',
    '1',
    '2.5',
    '10',
    '99999999999',
  ],
  [
    'value',
    'value_json',
    'value_json.a',
    'value_json.l',
    'x',
    'loop',
    'ns',
    'ns.r',
    '__proto__',
    'constructor',
    "'a'",
    "'%5d'",
    '{1:2}',
    '[1,2]',
  ],
  [
    'if',
    'elif',
    'else',
    'endif',
    'for',
    'in',
    'endfor',
    'set',
    'endset',
    'do',
    'break',
    'continue',
    'raw',
    'endraw',
    'is',
    'not',
    'and',
    'or',
  ],
  [
    'none',
    'true',
    'now()',
    'range(3)',
    'namespace(r=1)',
    'dict',
    'zip',
    'max',
    '.items()',
    '.get("a")',
    '.split()',
    '.format(1)',
    '.append(1)',
  ],
  [
    '|list',
    '|map("int")',
    '|select',
    '|sort',
    '|tojson',
    '|to_json',
    '|round(1)',
    '|float(0)',
    '|int',
    '|default("")',
    '|is_defined',
    '|sum',
  ],
  [
    '|join(",")',
    '|regex_findall("(a|b)*")',
    '|replace("a","bb")',
    '|format(1)',
    '|first',
    '|unique',
    '|length',
    ' is defined',
    ' is number',
  ],
].flat();

/** A template that is no nonsense at the start: tags are opened and closed, what is inside may be anything. */
const templates = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES),
      fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => `{{ ${pieces.join(' ')} }}`),
      fc
        .array(fc.constantFrom(...PIECES), { maxLength: 5 })
        .map((pieces) => `{{ value_json.l${pieces.join('')} }}`),
      fc
        .array(fc.constantFrom(...PIECES), { maxLength: 4 })
        .map((pieces) => `{% if ${pieces.join(' ')} %}a{% endif %}`),
      fc
        .array(fc.constantFrom(...PIECES), { maxLength: 4 })
        .map((pieces) => `{% for i in ${pieces.join('')} %}{{ i }}{% endfor %}`),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('whatever is written', () => {
  it('a template gives a result or a TemplateError, and soon', () => {
    fc.assert(
      fc.property(templates, (template) => {
        const startedMs = performance.now();
        try {
          const rendered = parseTemplate(template).render(templateVariables(PAYLOAD));
          expect(['text', 'skip']).toContain(rendered.kind);
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
        expect(performance.now() - startedMs).toBeLessThan(PATIENCE_MS);
      }),
      { numRuns: 3000, seed: 20260102 },
    );
  });

  it('the short cut for plain paths gives what the interpreter gives', () => {
    const key = fc.constantFrom('a', 'l', 'x', '_p', '__proto__', 'constructor', '0', '1', '-1');
    const step = key.map((name) => (/^-?\d/.test(name) ? `[${name}]` : `["${name}"]`));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3 }), fc.jsonValue({ maxDepth: 3 }), (steps, value) => {
        const variables = templateVariables(JSON.stringify({ a: value, l: [value, value], x: { a: value } }));
        const outcome = (template: string): unknown => {
          try {
            return parseTemplate(template).render(variables);
          } catch (error) {
            return error instanceof TemplateError ? 'error' : error;
          }
        };
        const path = `{{ value_json${steps.join('')} }}`;
        expect(outcome(path)).toEqual(outcome(`${path}{{ '' }}`));
      }),
      { numRuns: 1000, seed: 20260102 },
    );
  });
});
