/** Text that is markup already. Anything else is escaped on its way into a page: that is decided by the type, not by whoever writes a page. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | readonly Part[] | null;

/** A template whose parts are escaped unless they are markup; null is nothing, and a list its items. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let out = texts[0] ?? '';
  for (const [n, part] of parts.entries()) out += `${partText(part)}${texts[n + 1] ?? ''}`;
  return new Markup(out);
}

function partText(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(partText).join('');
  return escaped(String(part));
}

/** For text and for attributes in double quotes. Controls and the marks that turn the direction of text round are left out. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/(?![\t\n\r])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}
