/**
 * A process that kills itself with SIGKILL at the step that it is told.
 *
 * Arguments: folder, step (or "none").
 */
import { runWork } from './work-home.ts';

const [folder = '', last = 'none'] = process.argv.slice(2);
const report = await runWork(folder, (step) => {
  if (step === last) process.kill(process.pid, 'SIGKILL');
});
process.stdout.write(JSON.stringify(report));
