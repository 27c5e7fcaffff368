/**
 * `d`, what a message tells: answers to STATUS 10 and 11 hold it one level deeper than telemetry does. A message that is
 * no object (`ON`, `Online`, somebody's command on a topic that the filter lets through) tells nothing.
 */
const CONTENT =
  '{% set d = value_json if value_json is mapping else {} %}' +
  '{% set d = d.StatusSNS if d.StatusSNS is mapping else (d.StatusSTS if d.StatusSTS is mapping else d) %}';

/** A template about `d`. What it prints as empty says nothing. */
export function contentTemplate(body: string): string {
  return `${CONTENT}${body}`;
}

/** The value of a key. */
export function valueTemplate(key: string): string {
  return contentTemplate(`{{ d["${key}"] }}`);
}

/** The state of an output. A device with a single one leaves the number out, unless SetOption26 asks for it. */
export function powerTemplate(number: number): string {
  const key = `d["POWER${number}"]`;
  return contentTemplate(number === 1 ? `{{ ${key} if ${key} is defined else d["POWER"] }}` : `{{ ${key} }}`);
}

/**
 * The value at a path of keys, quotable ones, and indices. Sensors are missing from messages while they fail, and a list
 * may come as the single value of its first entry.
 */
export function pathTemplate(path: readonly (string | number)[]): string {
  let body = '{% set v = d %}';
  for (const part of path) {
    if (typeof part === 'string') body += `{% set v = v["${part}"] if v is mapping else "" %}`;
    else if (part === 0) body += '{% set v = v[0] if v is list else v %}';
    else body += `{% set v = v[${part}] if v is list else "" %}`;
  }
  return contentTemplate(`${body}{% if v is not mapping and v is not list %}{{ v }}{% endif %}`);
}

/** Names an event after the action that a button or a switch tells; other actions tell nothing. */
export function actionTemplate(key: string, events: Readonly<Record<string, string>>): string {
  return contentTemplate(
    `{% set a = d["${key}"].Action if d["${key}"] is mapping else none %}` +
      `{% set e = ${JSON.stringify(events)}[a] if a is string else "" %}` +
      '{% if e %}{"event_type": "{{ e }}"}{% endif %}',
  );
}

/** The state of a switch: plain in telemetry, as an action where it is detached. */
export function switchTemplate(key: string, onlyActions: boolean): string {
  const plain = onlyActions ? '' : '{% elif s is string %}{{ s }}';
  return contentTemplate(`{% set s = d["${key}"] %}{% if s is mapping %}{{ s.Action }}${plain}{% endif %}`);
}
