import { isJsonObject } from '../../base/json.ts';
import { wordsOf } from './tokens.ts';

/** A text or number in a content. */
export interface FieldText {
  /** Dotted path, such as `content.steps.2.text`. */
  readonly field: string;
  readonly text: string;
}

/** What an entity can be found by. */
export interface SearchWords {
  readonly name: readonly string[];
  readonly body: readonly string[];
}

export const NAME_FIELD = 'content.name';

/**
 * Every text and number in a content, its name first and the others as they stand. Keys, booleans and nulls are nothing
 * that a person would search for. A stack of its own, since a content may be nested deeper than calls can be.
 */
export function* textsOf(content: unknown): Generator<FieldText> {
  const name = isJsonObject(content) && Object.hasOwn(content, 'name') ? content['name'] : undefined;
  if (typeof name === 'string') yield { field: NAME_FIELD, text: name };
  const stack: { field: string; value: unknown }[] = [{ field: 'content', value: content }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { field, value } = next;
    if (typeof value === 'string' || typeof value === 'number') {
      if (field !== NAME_FIELD || typeof name !== 'string') yield { field, text: String(value) };
    } else if (typeof value === 'object' && value !== null) {
      const children = Object.entries(value).map(([key, child]) => ({
        field: `${field}.${key}`,
        value: child as unknown,
      }));
      stack.push(...children.reverse());
    }
  }
}

/** The words of a content, as the index holds them. */
export function searchWords(contentJson: string): SearchWords {
  const name: string[] = [];
  const body: string[] = [];
  for (const { field, text } of textsOf(JSON.parse(contentJson))) {
    const words = field === NAME_FIELD ? name : body;
    for (const word of wordsOf(text)) words.push(word);
  }
  return { name, body };
}
