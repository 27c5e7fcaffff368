import { openPlugHome, followOnly, untilPower } from './plug-home.ts';
import { FloodProcess } from './flood-process.ts';
import { startMosquitto } from './mosquitto.ts';
using m = await startMosquitto();
await using plugs = await openPlugHome(m.url, 'zigbee2mqtt', 100, { NODE_OPTIONS: '--cpu-prof --cpu-prof-dir=/tmp/w/prof6' });
await followOnly(plugs.home, plugs.entities[0] ?? '');
using p = await FloodProcess.start(plugs.broker);
for (let i = 0; i < 6; i++) {
const u = untilPower(plugs.home, plugs.entities[0] ?? '', 100002+i);
await p.flood({base:'zigbee2mqtt',devices:100,messages:20000,marker:100002+i,perSecond:null}); await u; }
