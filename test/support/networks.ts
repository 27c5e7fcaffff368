import { execFileSync, spawnSync } from 'node:child_process';

/** Networks of their own need root and iproute2. What is announced there reaches nobody else. */
export const canMakeNetworks = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;

/** Two machines, as far as network namespaces can make them, on one cable (`10.77.0.x/24`, `eth0` in both). */
export class TestCable implements Disposable {
  /** The names of the network namespaces. */
  readonly left: string;
  readonly right: string;

  private constructor(name: string) {
    this.left = `fg-${name}-l-${process.pid}`;
    this.right = `fg-${name}-r-${process.pid}`;
  }

  /** @param name tells tests of one process apart */
  static lay(name: string, leftAddress: string, rightAddress: string): TestCable {
    const cable = new TestCable(name);
    const { left, right } = cable;
    for (const network of [left, right]) {
      execFileSync('ip', ['netns', 'add', network]);
      cable.#ip(network, 'link', 'set', 'lo', 'up');
    }
    cable.#ip(left, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', right);
    for (const network of [left, right]) cable.#giveUpSoon(network);
    cable.address(left, leftAddress);
    cable.address(right, rightAddress);
    return cable;
  }

  /** Gives the machine that address, and no other. */
  address(network: string, address: string): void {
    this.#ip(network, 'address', 'flush', 'dev', 'eth0');
    this.#ip(network, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    this.plug(network, true);
  }

  /** Puts the cable in or pulls it. */
  plug(network: string, isIn: boolean): void {
    this.#ip(network, 'link', 'set', 'eth0', isIn ? 'up' : 'down');
    if (isIn) this.#ip(network, 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0');
  }

  /** Runs a command to its end and returns what it printed. */
  run(network: string, words: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', network, ...words], { encoding: 'utf8' });
  }

  [Symbol.dispose](): void {
    for (const network of [this.left, this.right]) execFileSync('ip', ['netns', 'delete', network]);
  }

  /** The system asks for a neighbour three times; a second apart, each attempt to reach nobody would take 3 s. */
  #giveUpSoon(network: string): void {
    this.run(network, ['sh', '-c', 'echo 100 >/proc/sys/net/ipv4/neigh/eth0/retrans_time_ms']);
  }

  #ip(network: string, ...words: string[]): void {
    execFileSync('ip', ['-n', network, ...words]);
  }
}
