/** The reference of the latency benchmark: the broker library and nothing else, as a process. Prints its port. */
import { Aedes } from 'aedes';
import { createServer, type AddressInfo } from 'node:net';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, broker.handle);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
