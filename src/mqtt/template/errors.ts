/** A template that can't be read, or that failed while it was rendered. The message is a sentence for a person. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  /** Offset in the template's text, in UTF-16 code units; -1 where unknown. */
  readonly position: number;

  constructor(message: string, position = -1) {
    super(message);
    this.position = position;
  }
}

/** Something that is not there was used as if it were. `is_defined` turns it into a skipped update. */
export class UndefinedError extends TemplateError {}

/** Thrown by `is_defined`, caught by `render`: no error, the update is to be left out. */
export class SkipUpdate extends Error {}

/** The same error, of the same kind, with its place: the offset, and line and column in the sentence. */
export function atPosition(error: TemplateError, source: string, position: number): TemplateError {
  const before = source.slice(0, position).split('\n');
  const column = (before.at(-1) ?? '').length + 1;
  const Kind = error instanceof UndefinedError ? UndefinedError : TemplateError;
  return new Kind(`${error.message} (line ${before.length}, column ${column}).`, position);
}
