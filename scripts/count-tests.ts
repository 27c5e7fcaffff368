/*
 * Prints `N passed, N failed` from vitest's JSON report, and exits with 1 when anything failed.
 *
 *   node count-tests.ts REPORT VITEST_EXIT_CODE OTHER_FAILED_CHECKS
 *
 * A test file that could not even be loaded has no tests in the report and counts as one failed; so does a run that
 * failed without saying where (an unhandled rejection, no report at all).
 */
import { readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const [, , reportPath = '', vitestExitCode = '', failedChecks = ''] = process.argv;

const report = readReport();
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
);

let failed = report.numFailedTests + brokenFiles.length;
if (failed === 0 && vitestExitCode !== '0') failed = 1;
failed += Number(failedChecks);

process.stdout.write(`${report.numPassedTests} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(): Report {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
  } catch (error) {
    process.stderr.write(`The test run left no readable report: ${String(error)}\n`);
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}
