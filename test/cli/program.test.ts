import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { COMMANDS } from '../../src/cli/command-table.ts';
import { completionScript } from '../../src/cli/completion.ts';
import { manualPage } from '../../src/cli/manual.ts';
import { buildProgram, runProgram } from '../../src/cli/program.ts';

/** What a person sees, and what was carried out. */
async function type(...words: string[]): Promise<{ shown: string; ran: [string, readonly string[]][] }> {
  let shown = '';
  const ran: [string, readonly string[]][] = [];
  await runProgram({
    words,
    run: async (name, rest) => {
      ran.push([name, rest]);
      return await Promise.resolve();
    },
    stdout: (text) => (shown += text),
  });
  return { shown, ran };
}

describe('what is typed', () => {
  test('goes to its command with every word, those of the configuration included', async () => {
    const words = ['run', 'database-check', '--json', '--data-dir', '/x', '--http.port', '0'];
    expect((await type('jobs', ...words)).ran).toEqual([['jobs', words]]);
    expect((await type('devices', 'Desk lamp')).ran).toEqual([['devices', ['Desk lamp']]]);
    expect((await type('jobs', '--data-dir', '/x', 'run', 'y')).ran).toEqual([
      ['jobs', ['--data-dir', '/x', 'run', 'y']],
    ]);
    expect((await type('mqtt')).ran).toEqual([['mqtt', []]]);
  });

  test('wrongly is told, with the nearest, and nothing is done', async () => {
    await expect(type('jbos')).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/^Unknown command 'jbos'\.\n\(Did you mean jobs\?\)$/),
    });
    await expect(type('jobs', 'run')).rejects.toThrow("Missing required argument 'name'");
    await expect(type('energy', '--days')).rejects.toThrow(/--days <n>.* argument missing/);
  });

  test('help shows every command, and that of a command its verbs and flags', async () => {
    const { shown, ran } = await type('help');
    for (const { usage } of COMMANDS) expect(shown).toMatch(new RegExp(`^  ${usage.split(' ')[0]} `, 'm'));
    expect(shown).toMatch(/--section\.key VALUE/);
    expect(ran).toEqual([]);
    expect((await type('help', 'backup')).shown).toMatch(/create.*\n.*list.*\n.*verify[^]*restore/);
    expect((await type('backup', 'create', '--help')).shown).toMatch(/--to <folder>/);
    expect((await type('backup', 'create', '-h')).ran).toEqual([]);
  });
});

test('the manual is made of the table of commands (`vitest run test/cli -u` renews it)', async () => {
  const page = manualPage(buildProgram(), 'hub');
  await expect(page).toMatchFileSnapshot('../../config/funkygibbon.1');
  for (const { usage } of COMMANDS) expect(page).toContain(`.SS \\fB${usage.split(' ')[0]}`);
});

test.runIf(spawnSync('man', ['--version']).status === 0)('the manual is read without complaints', () => {
  const folder = mkdtempSync(join(tmpdir(), 'man-'));
  writeFileSync(join(folder, 'funkygibbon.1'), manualPage(buildProgram(), 'hub'));
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', join(folder, 'funkygibbon.1')], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
  });
  rmSync(folder, { recursive: true });
  expect(status).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/jobs run NAME\s+Run one now, and wait for it\./);
});

describe('completion', () => {
  /** What bash offers for a line of which the last word is being typed. */
  function complete(line: readonly string[]): string[] {
    const script = `${completionScript('bash', buildProgram())}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${line.length - 1}
_funkygibbon
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(status).toBe(0);
    return stdout.split('\n').filter((word) => word !== '');
  }

  test('in bash: commands, verbs, and the flags of both', () => {
    expect(complete(['funkygibbon', 'b'])).toEqual(['backup']);
    expect(complete(['funkygibbon', 'mqtt', 'gh'])).toEqual(['ghosts']);
    expect(complete(['funkygibbon', 'backup', 'create', '--t'])).toEqual(['--to']);
    expect(complete(['funkygibbon', 'backup', 'create', '--j'])).toEqual(['--json']);
    expect(complete(['funkygibbon', 'devices', 'Desk lamp', '--j'])).toEqual(['--json']);
    expect(complete(['funkygibbon', 'jobs', ''])).toEqual(expect.arrayContaining(['list', 'run', 'history']));
  });

  test('for other shells, and a word for those that are not known', async () => {
    const program = buildProgram();
    expect(completionScript('fish', program)).toContain("-a ghosts -d 'Descriptions of devices");
    expect(completionScript('zsh', program)).toMatch(/^#compdef funkygibbon\n/);
    expect(() => completionScript('tcsh', program)).toThrow(/bash, zsh, fish/);
    await expect(completionScript('bash', program)).toMatchFileSnapshot('../../config/completion.bash');
  });
});
