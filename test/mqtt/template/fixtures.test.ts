import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTemplate, TemplateError, type TemplateVariables } from '../../../src/mqtt/template/template.ts';

// Reads recorded templates from the reference folder beside the repository; skipped where that folder is missing.
const FOLDER = new URL('../../../../shared/fixtures/', import.meta.url);
const isMissing = !existsSync(FOLDER);

interface RecordedTemplate {
  readonly name: string;
  readonly template: string;
  readonly context: TemplateVariables;
  readonly expected: string;
}

function readLines(file: string): unknown[] {
  return readFileSync(new URL(file, FOLDER), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): unknown => JSON.parse(line));
}

/** Every text under a key that ends in `tpl` or `template`, in a payload or anything nested in it. */
function findTemplates(value: unknown, key: string, found: Set<string>): void {
  if (typeof value === 'string') {
    if (/(tpl|template)$/.test(key)) found.add(value);
    else if (value.startsWith('{')) {
      try {
        findTemplates(JSON.parse(value), key, found);
      } catch {
        // A payload that is no JSON holds no templates.
      }
    }
  } else if (Array.isArray(value)) {
    for (const item of value) findTemplates(item, key, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) findTemplates(item, name, found);
  }
}

describe.skipIf(isMissing)('recorded templates', () => {
  const recorded = isMissing ? [] : (readLines('templates.jsonl') as RecordedTemplate[]);

  it.each(recorded.map((line) => [line.name, line] as const))('%s renders as recorded', (_, line) => {
    const render = (): string => {
      const rendered = parseTemplate(line.template).render(line.context);
      if (rendered.kind === 'skip') return '!SKIP';
      return rendered.text;
    };
    if (line.expected.startsWith('!ERR')) expect(render).toThrow(TemplateError);
    else if (line.expected === '<ts>')
      expect(render()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]\d\d:\d\d$/);
    else expect(render()).toBe(line.expected);
  });

  it('can be parsed wherever a recorded message holds one', () => {
    const found = new Set<string>();
    for (const file of readdirSync(FOLDER)) {
      if (!file.endsWith('.jsonl') || file === 'templates.jsonl') continue;
      for (const line of readLines(file)) findTemplates(line, '', found);
    }
    expect(found.size).toBeGreaterThan(80);
    const failed = [...found].flatMap((template) => {
      try {
        parseTemplate(template);
        return [];
      } catch (error) {
        return [{ template, error: String(error) }];
      }
    });
    expect(failed).toEqual([]);
  });
});
