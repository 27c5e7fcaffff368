/**
 * Browses for the hub's services on the interface with the given address, or on loopback, and prints one JSON line for
 * each that appears or goes. Runs as a process of its own, so that it can live in a network namespace.
 */
import { Bonjour, type Service } from 'bonjour-service';

const [, , address = '127.0.0.1'] = process.argv;
const bonjour = new Bonjour({ interface: address, bind: '0.0.0.0' } as object);
for (const type of ['funkygibbon', 'hap']) {
  const browser = bonjour.find({ type });
  const tell = (event: string) => (service: Service) => {
    const { name, port, txt } = service;
    process.stdout.write(`${JSON.stringify({ event, type, name, port, txt: txt as unknown })}\n`);
  };
  browser.on('up', tell('up'));
  browser.on('down', tell('down'));
  setInterval(() => browser.update(), 1000);
}
