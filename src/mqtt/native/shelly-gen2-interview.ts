import { readNumber, readText, type Config } from '../components/fields.ts';
import { isObject } from '../discovery/expand.ts';
import type { Gen2Answers } from './shelly-gen2-part.ts';
import type { Answer, RpcClient } from './shelly-gen2-rpc.ts';

/** Pages of components that came later, such as Bluetooth sensors: a hundred ids at about five on a page. */
const MAX_PAGES = 24;

/** Everything, a sentence about what is wrong, or null when there was no answer. */
export type Outcome = Gen2Answers | string | null;

/** Asks a device what it is, one question after the other. `done` is called once. */
export function interview(rpc: RpcClient, prefix: string, done: (outcome: Outcome) => void): void {
  new Interview(rpc, prefix, done).start();
}

class Interview {
  readonly #rpc: RpcClient;
  readonly #prefix: string;
  readonly #done: (outcome: Outcome) => void;
  #deviceId: string | null = null;

  constructor(rpc: RpcClient, prefix: string, done: (outcome: Outcome) => void) {
    this.#rpc = rpc;
    this.#prefix = prefix;
    this.#done = done;
  }

  start(): void {
    this.#ask('Shelly.GetDeviceInfo', null, (info) => {
      if ((readNumber(info, 'gen') ?? 0) < 2) {
        this.#done('the device answers, but not as a Shelly of the second or a later generation does');
        return;
      }
      this.#deviceId = readText(info, 'id');
      this.#ask('Shelly.GetConfig', null, (config) => {
        this.#ask('Shelly.GetStatus', null, (status) => {
          const answers = { info, config: copy(config), status: copy(status) };
          // Only devices that can have them know the method.
          if (isObject(status.bthome) || isObject(config.bthome)) this.#askPages(answers, 0, 0);
          else this.#done(answers);
        });
      });
    });
  }

  #askPages(answers: { info: Config; config: Mutable; status: Mutable }, offset: number, page: number): void {
    const params = { dynamic_only: true, include: ['config', 'status'], offset };
    this.#rpc.call(this.#prefix, 'Shelly.GetComponents', params, (answer) => {
      if (answer.kind !== 'result' || !this.#isFromDevice(answer)) {
        this.#done(answers);
        return;
      }
      const list: readonly unknown[] = Array.isArray(answer.result.components)
        ? answer.result.components
        : [];
      for (const item of list) {
        const key = isObject(item) ? readText(item, 'key') : null;
        if (!isObject(item) || key === null || key === '__proto__') continue;
        answers.config[key] = item.config;
        answers.status[key] = item.status;
      }
      const next = offset + list.length;
      const isLast = list.length === 0 || next >= (readNumber(answer.result, 'total') ?? 0);
      if (isLast || page + 1 >= MAX_PAGES) this.#done(answers);
      else this.#askPages(answers, next, page + 1);
    });
  }

  #ask(method: string, params: Config | null, next: (result: Config) => void): void {
    this.#rpc.call(this.#prefix, method, params, (answer) => {
      if (answer.kind === 'silence') this.#done(null);
      else if (answer.kind === 'refused') this.#done(toSentence(method, answer));
      else if (this.#isFromDevice(answer)) next(answer.result);
      else this.#done('another device answers in place of the one that was asked');
    });
  }

  /** The first answer says who the device is; the others have to be of the same one. */
  #isFromDevice(answer: Extract<Answer, { kind: 'result' }>): boolean {
    return this.#deviceId === null
      ? answer.deviceId !== null && answer.deviceId === readText(answer.result, 'id')
      : answer.deviceId === this.#deviceId;
  }
}

type Mutable = Record<string, unknown>;

function copy(config: Config): Mutable {
  return Object.assign(Object.create(null), config) as Mutable;
}

function toSentence(method: string, { code, reason }: Extract<Answer, { kind: 'refused' }>): string {
  if (code === 401) return 'the device asks for a password before it answers; the hub has none for it';
  return `the device refused ${method}: ${reason}`;
}
