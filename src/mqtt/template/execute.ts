import type { Statement, Target } from './ast.ts';
import { TemplateError } from './errors.ts';
import { Evaluator } from './evaluate.ts';
import type { Run } from './run.ts';
import { Scope } from './scope.ts';
import { toText } from './text.ts';
import { isTruthy, iterate, Namespace } from './values.ts';

// oxlint-disable typescript/consistent-return -- the switches cover every case, and the compiler checks that they do

type Flow = 'next' | 'break' | 'continue';

/** Carries out the statements of one template, once. */
export class Execution {
  readonly #run: Run;
  readonly #evaluator: Evaluator;
  #output: string[] = [];

  constructor(run: Run, variables: Readonly<Record<string, unknown>>) {
    this.#run = run;
    this.#evaluator = new Evaluator(run, new Scope(variables));
  }

  /** The text of the whole template, without the space around it. */
  render(statements: readonly Statement[]): string {
    this.#execute(statements);
    return this.#output.join('').trim();
  }

  #print(text: string): void {
    this.#run.print(text.length);
    this.#output.push(text);
  }

  #execute(statements: readonly Statement[]): Flow {
    for (const statement of statements) {
      this.#run.enter();
      const flow = this.#executeOne(statement);
      this.#run.leave();
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #executeOne(statement: Statement): Flow {
    switch (statement.type) {
      case 'text':
        this.#print(statement.text);
        return 'next';
      case 'output':
        this.#print(toText(this.#run, this.#evaluator.evaluate(statement.value)));
        return 'next';
      case 'if': {
        const branch = statement.branches.find(({ condition }) =>
          isTruthy(this.#evaluator.evaluate(condition)),
        );
        return this.#execute(branch?.body ?? statement.otherwise);
      }
      case 'for':
        return this.#executeFor(statement);
      case 'set':
        this.#assign(statement.target, this.#evaluator.evaluate(statement.value));
        return 'next';
      case 'capture':
        return this.#capture(statement.target, statement.body);
      case 'do':
        this.#evaluator.evaluate(statement.value);
        return 'next';
      case 'break':
      case 'continue':
        return statement.type;
    }
  }

  #capture(target: Target, body: readonly Statement[]): Flow {
    const outside = this.#output;
    this.#output = [];
    const flow = this.#execute(body);
    const text = this.#output.join('');
    this.#output = outside;
    this.#assign(target, text);
    return flow;
  }

  #executeFor(loop: Statement & { type: 'for' }): Flow {
    const outer = this.#evaluator.scope;
    const { condition } = loop;
    let items = iterate(this.#run, this.#evaluator.evaluate(loop.items));
    if (condition !== undefined) {
      items = items.filter((item) => {
        this.#evaluator.scope = outer.inner();
        this.#assign(loop.target, item);
        return isTruthy(this.#evaluator.evaluate(condition));
      });
    }
    for (const [index, item] of items.entries()) {
      this.#evaluator.scope = outer.inner();
      this.#evaluator.scope.set('loop', describeLoop(items, index));
      this.#assign(loop.target, item);
      if (this.#execute(loop.body) === 'break') break;
    }
    this.#evaluator.scope = outer;
    return items.length === 0 ? this.#execute(loop.otherwise) : 'next';
  }

  #assign(target: Target, value: unknown): void {
    switch (target.type) {
      case 'name':
        this.#evaluator.scope.set(target.name, value);
        return;
      case 'member': {
        const namespace = this.#evaluator.scope.lookUp(target.namespace);
        if (!(namespace instanceof Namespace))
          throw new TemplateError(`"${target.namespace}" is no namespace, so nothing in it can be set`);
        namespace.values.set(target.key, value);
        return;
      }
      case 'names': {
        const items = iterate(this.#run, value);
        if (items.length !== target.names.length)
          throw new TemplateError(`${items.length} values can't be spread over ${target.names.length} names`);
        for (const [index, name] of target.names.entries()) this.#evaluator.scope.set(name, items[index]);
      }
    }
  }
}

function describeLoop(items: readonly unknown[], index: number): Readonly<Record<string, unknown>> {
  return {
    index: index + 1,
    index0: index,
    revindex: items.length - index,
    revindex0: items.length - index - 1,
    first: index === 0,
    last: index === items.length - 1,
    length: items.length,
    previtem: items[index - 1],
    nextitem: items[index + 1],
  };
}
