/** The reference of the throughput benchmark: a client that receives, looks for the marker and does nothing else. */
import mqtt from 'mqtt';

const [filter = '', url = '', username, password] = process.argv.slice(2);
const client = await mqtt.connectAsync(
  url,
  username === undefined ? {} : { username, password: password ?? '' },
);
let wanted: string | undefined;
let count = 0;
client.on('message', (_topic, payload) => {
  count += 1;
  if (wanted === undefined || !payload.includes(wanted)) return;
  process.send?.({ count });
  wanted = undefined;
});
await client.subscribeAsync(filter);
process.on('message', ({ marker }: { marker: number }) => {
  wanted = `"power":${marker},`;
  count = 0;
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready' });
