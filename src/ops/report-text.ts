import type { Finding, ImportReport } from './types.ts';

import { counted } from './io.ts';

/** The report of an import or a seed, for a person. `what` was imported, and is said as in "Imported the file x". */
export function reportText(report: ImportReport, what: string): string {
  const { taken, held, kept_beside: keptBeside, ended } = report;
  const lines = [
    report.dry_run ? `This is what importing ${what} would do; nothing was written.` : `Imported ${what}.`,
    `  taken    ${counted(taken.entities, 'new entity', 'new entities')}; ${counted(taken.versions, 'version')} of ` +
      `entities, ${counted(taken.relationships, 'version')} of relationships`,
  ];
  if (held > 0) lines.push(`  held     ${counted(held, 'version')} that the hub had already`);
  if (keptBeside.count > 0) {
    lines.push(
      `  beside   ${counted(keptBeside.count, 'version')} that the hub has gone another way than: kept and readable, not current`,
      ...exampleLines(keptBeside),
    );
  }
  if (ended > 0) {
    lines.push(
      `  ended    ${counted(ended, 'relationship')}: an end is deleted, or the thing is in another place`,
    );
  }
  for (const [label, findings] of [
    ['folded', report.folded],
    ['refused', report.refused],
    ['note', report.warnings],
  ] as const) {
    for (const finding of findings) lines.push(...findingLines(label, finding));
  }
  return `${lines.join('\n')}\n`;
}

function findingLines(label: string, finding: Finding): string[] {
  const times = finding.count === 1 ? '' : ` (${counted(finding.count, 'time')})`;
  return [`  ${label.padEnd(8)} ${finding.what}${times}`, ...exampleLines(finding)];
}

function exampleLines({ count, examples }: Omit<Finding, 'what'>): string[] {
  const more = count - examples.length;
  const lines = examples.map((example) => `             ${example}`);
  return more > 0 && examples.length > 0
    ? [...lines, `             and ${counted(more, 'other', 'others')}`]
    : lines;
}
