import { posix } from 'node:path';

/**
 * The house, from the ground up. An import points to a lower row only, so folders of one row never import each other.
 * `config` is apart: only main and hub read it.
 */
const ROWS: readonly (readonly string[])[] = [
  ['base', 'client'],
  ['graph', 'access'],
  ['sync', 'devices', 'readings', 'activity', 'insights', 'automations', 'tools', 'clients'],
  [
    'http',
    'live',
    'homekit',
    'accessories',
    'mqtt',
    'mdns',
    'jobs',
    'ops',
    'cli',
    'mcp',
    'integrations',
    'web',
  ],
  ['hub'],
  ['main'],
];

/** Files of a folder that others may import, besides the door, which is named like the folder. */
const OPEN_FILES = ['types.ts', 'errors.ts'];

/** One file of src/, as the checker sees it. */
export interface SourceFile {
  /** Relative to src/: `mqtt/template/parser.ts`. */
  readonly file: string;
  /** The specifiers as written. */
  readonly imports: readonly string[];
  /** The specifiers of `export … from`; part of `imports` too. */
  readonly reExports: readonly string[];
  /** The file has `export * from`, or nothing but re-exports. */
  readonly isBarrel: boolean;
  readonly readsEnvironment: boolean;
}

/** Says what breaks the rules of the house, one sentence each. */
export function checkImports(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((source) => source.file));
  const faults: string[] = [];
  for (const source of files) {
    const folder = folderOf(source.file);
    if (rowOf(folder) === undefined) {
      faults.push(`${source.file} lies outside of every row; give ${folder} a place in the table`);
    }
    if (source.isBarrel || posix.basename(source.file) === 'index.ts')
      faults.push(`${source.file} is a barrel`);
    if (source.readsEnvironment && folder !== 'config' && source.file !== 'main.ts') {
      faults.push(`${source.file} reads the environment, which is for main.ts and config only`);
    }
    for (const specifier of source.imports) {
      const fault = importFault(source.file, specifier, known);
      if (fault !== undefined) faults.push(`${source.file} imports ${specifier}: ${fault}`);
    }
  }
  return [...faults, ...folderCycles(files)];
}

function importFault(file: string, specifier: string, known: ReadonlySet<string>): string | undefined {
  if (specifier.startsWith('#') || specifier.startsWith('/')) return 'write a relative path';
  if (!specifier.startsWith('.')) return undefined;
  if (!specifier.endsWith('.ts')) return 'a relative import ends in .ts';
  const target = posix.join(posix.dirname(file), specifier);
  if (target.startsWith('..')) return 'it leaves src';
  if (!known.has(target)) return 'there is no such file';

  const from = folderOf(file);
  const to = folderOf(target);
  if (from === to) return undefined;
  if (to === 'config')
    return from === 'main' || from === 'hub' ? doorFault(target) : 'config is for main and hub only';
  const fromRow = rowOf(from);
  const toRow = rowOf(to);
  if (fromRow === undefined || toRow === undefined) return `${to} cannot be compared with ${from}`;
  if (toRow > fromRow) return 'it points up';
  if (toRow === fromRow) return 'it points sideways';
  // The one place that makes the database knows every owner's tables without loading the owner.
  if (from === 'hub' && posix.basename(target) === 'tables.ts') return undefined;
  return doorFault(target);
}

function doorFault(target: string): string | undefined {
  const folder = folderOf(target);
  if (folder === 'base' || target === `${folder}.ts`) return undefined;
  const open = [`${folder}.ts`, ...OPEN_FILES].map((name) => `${folder}/${name}`);
  return open.includes(target) ? undefined : `it is inside of ${folder}; the door is ${folder}/${folder}.ts`;
}

/** `mqtt/template/parser.ts` lies in `mqtt`; `hub.ts` and `main.ts` stand for themselves. */
function folderOf(file: string): string {
  return file.split('/')[0]?.replace(/\.ts$/, '') ?? file;
}

/** Config stands on the ground: it may import base, and who may import it is said apart. */
function rowOf(folder: string): number | undefined {
  if (folder === 'config') return 1;
  const row = ROWS.findIndex((names) => names.includes(folder));
  return row === -1 ? undefined : row;
}

/** Rings of folders, which the rows exclude; found without the rows, in case the table itself goes wrong. */
function folderCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { file, imports } of files) {
    const from = folderOf(file);
    const targets = edges.get(from) ?? new Set<string>();
    edges.set(from, targets);
    for (const specifier of imports.filter((written) => written.startsWith('.'))) {
      const to = folderOf(posix.join(posix.dirname(file), specifier));
      if (to !== from) targets.add(to);
    }
  }
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (folder: string, path: readonly string[]): void => {
    const start = path.indexOf(folder);
    if (start !== -1) {
      faults.push(`folders import each other in a ring: ${[...path.slice(start), folder].join(' > ')}`);
    } else if (!done.has(folder)) {
      for (const next of edges.get(folder) ?? []) visit(next, [...path, folder]);
      done.add(folder);
    }
  };
  for (const folder of edges.keys()) visit(folder, []);
  return faults;
}

/** Reads what the checker needs out of a source text. Files that `new URL(…, import.meta.url)` names count as imported. */
export function readSourceFile(file: string, source: string): SourceFile {
  const code = withoutComments(source);
  const reExports = specifiers(
    code,
    /\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*(['"])(.+?)\1/g,
  );
  const imports = [
    ...specifiers(code, /\bimport\s+(?:[\w$*{][^'"`;()]*?\bfrom\s*)?(['"])(.+?)\1/g),
    ...specifiers(code, /\b(?:import|require)\s*\(\s*(['"`])(.+?)\1/g),
    ...specifiers(code, /\bnew\s+URL\(\s*(['"`])(.+?\.[cm]?[jt]s)\1\s*,\s*import\.meta\.url/g),
    ...reExports,
  ];
  const ownCode = code.replaceAll(/\b(?:import|export)\s+[^'"`;()]*?\bfrom\s*(['"]).+?\1\s*;?/g, '').trim();
  return {
    file,
    imports,
    reExports,
    isBarrel: reExports.length > 0 && (ownCode === '' || /\bexport\s+(?:type\s+)?\*/.test(code)),
    readsEnvironment:
      /\bprocess\s*(?:\?\.|\.|\[\s*['"`])\s*env\b/.test(code) ||
      /\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(code) ||
      /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*['"](?:node:)?process['"]/.test(code),
  };
}

function specifiers(code: string, pattern: RegExp): string[] {
  return [...code.matchAll(pattern)].map((match) => match[2] ?? '');
}

/** Drops comments, which speak of imports, and keeps strings, which may hold what looks like a comment. */
function withoutComments(source: string): string {
  return source.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, text: string | undefined) => text ?? ' ',
  );
}
