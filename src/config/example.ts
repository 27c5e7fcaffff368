import { environmentName, isSecret, KEY_NAMES, KEYS, type AnyKeySpec } from './keys.ts';

const HEADER = `\
# Configuration of the FunkyGibbon hub. Copy it to /etc/funkygibbon/hub.yaml, or name it with --config.
#
# Every key may be left out. Later wins: default, this file, environment, flags. Examples of all three for one key:
#   in this file      http: and below it, indented, port: 8000
#   environment       ${environmentName('http.port')}=8000
#   flag              --http.port 8000
# A secret may stand in a file of its own: password_file: PATH, ${environmentName('mqtt.password')}_FILE=PATH.
# Relative paths start at the working directory of the hub.
`;

const LINE_WIDTH = 110;

/** The text of config/hub.example.yaml: every key, commented out, with what it does and its default. */
export function exampleYaml(): string {
  const lines: string[] = [HEADER];
  let open: string[] = [];
  for (const key of KEY_NAMES) {
    const path = key.split('.');
    const sections = path.slice(0, -1);
    if (open[0] !== sections[0] && sections.length > 0) lines.push('');
    sections.forEach((section, depth) => {
      if (open[depth] !== section) lines.push(`${'  '.repeat(depth)}${section}:`);
    });
    open = sections;
    const indent = '  '.repeat(sections.length);
    lines.push(...keyLines(KEYS[key], isSecret(key), key).map((line) => indent + line));
  }
  return `${lines.join('\n')}\n`;
}

function keyLines(spec: AnyKeySpec, secret: boolean, key: string): string[] {
  const name = key.slice(key.lastIndexOf('.') + 1);
  const preset = typeof spec.initial === 'string' ? spec.initial : undefined;
  const written = secret
    ? `${name}_file: /etc/funkygibbon/${key.replaceAll(/[._]/g, '-')}`
    : `${name}: ${preset ?? spec.example ?? ''}`;
  const comment = [...wrap(spec.description), `Default: ${preset ?? spec.initialText ?? 'none'}.`];
  return [...comment.map((line) => `# ${line}`), `#${written}`];
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length >= LINE_WIDTH - 8) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
