/// <reference types="node" />
// Loaded into the hub's process with `--import`: measures how long its event loop stops, from SIGUSR2 (reset) to the
// next SIGUSR2 (write to LOOP_PROBE_FILE). The hub itself carries no code for it.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 5 });
let measuring = false;
process.on('SIGUSR2', () => {
  if (measuring) {
    delay.disable();
    const text = JSON.stringify({
      p50Ms: delay.percentile(50) / 1e6,
      p99Ms: delay.percentile(99) / 1e6,
      maxMs: delay.max / 1e6,
    });
    writeFileSync(String(process.env['LOOP_PROBE_FILE']), text);
  } else {
    delay.reset();
    delay.enable();
  }
  measuring = !measuring;
});
