/** Offset of the construct in the template's text. */
interface Node {
  readonly at: number;
}

export interface ArgumentNodes {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export type Expression =
  | (Node & { readonly type: 'literal'; readonly value: unknown })
  | (Node & { readonly type: 'name'; readonly name: string })
  | (Node & { readonly type: 'list' | 'tuple'; readonly items: readonly Expression[] })
  | (Node & { readonly type: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] })
  | (Node & { readonly type: 'attribute'; readonly target: Expression; readonly name: string })
  | (Node & { readonly type: 'item'; readonly target: Expression; readonly index: Expression })
  | (Node & {
      readonly type: 'slice';
      readonly target: Expression;
      readonly start: Expression | undefined;
      readonly stop: Expression | undefined;
      readonly step: Expression | undefined;
    })
  | (Node & { readonly type: 'call'; readonly target: Expression; readonly args: ArgumentNodes })
  | (Node & {
      readonly type: 'method';
      readonly target: Expression;
      readonly name: string;
      readonly args: ArgumentNodes;
    })
  | (Node & {
      readonly type: 'filter';
      readonly target: Expression;
      readonly name: string;
      readonly args: ArgumentNodes;
    })
  | (Node & {
      readonly type: 'test';
      readonly target: Expression;
      readonly name: string;
      readonly negated: boolean;
      readonly args: ArgumentNodes;
    })
  | (Node & { readonly type: 'unary'; readonly operator: 'not' | '-' | '+'; readonly operand: Expression })
  | (Node & {
      readonly type: 'logic';
      readonly operator: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & {
      readonly type: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & { readonly type: 'concat'; readonly parts: readonly Expression[] })
  | (Node & {
      readonly type: 'compare';
      readonly first: Expression;
      /** `a < b < c` has two. */
      readonly rest: readonly { readonly operator: CompareOperator; readonly operand: Expression }[];
    })
  | (Node & {
      readonly type: 'conditional';
      readonly condition: Expression;
      readonly consequent: Expression;
      readonly otherwise: Expression | undefined;
    });

/** One name, several names that a list is spread over, or a key of a namespace. */
export type Target =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'names'; readonly names: readonly string[] }
  | { readonly type: 'member'; readonly namespace: string; readonly key: string };

export type Statement =
  | (Node & { readonly type: 'text'; readonly text: string })
  | (Node & { readonly type: 'output'; readonly value: Expression })
  | (Node & {
      readonly type: 'if';
      readonly branches: readonly { readonly condition: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    })
  | (Node & {
      readonly type: 'for';
      readonly target: Target;
      readonly items: Expression;
      readonly condition: Expression | undefined;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    })
  | (Node & { readonly type: 'set'; readonly target: Target; readonly value: Expression })
  | (Node & { readonly type: 'capture'; readonly target: Target; readonly body: readonly Statement[] })
  | (Node & { readonly type: 'do'; readonly value: Expression })
  | (Node & { readonly type: 'break' | 'continue' });
