import { analyzeOperation, documentBounds } from '@apisec/graphql';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import {
  buildSchema,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { getComplexity, simpleEstimator } from 'graphql-query-complexity';

export const schema = buildSchema(`
  type User { id: ID! name: String email: String friends(first: Int): [User!] orders(first: Int): [Order!] }
  type Order { id: ID! total: Int lines(first: Int): [Line!] buyer: User }
  type Line { id: ID! text: String price: Int }
  type Query { me: User users(first: Int): [User!] orders(first: Int): [Order!] }
`);

/** A document, and how many tokens the lexer finds in it. */
export interface Sized {
  readonly text: string;
  readonly tokens: number;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

const FRAGMENTS = `
  fragment Person on User { id name email orders(first: 2) { ...Bought } }
  fragment Bought on Order { id total lines(first: 3) { id text price } }
`;

/** As applications write them (aliases, arguments, fragments, directives), of at least so many tokens. */
export function documentOf(tokens: number): Sized {
  const field = (at: number): string =>
    `a${at}: users(first: 5) { ...Person friends(first: 2) @include(if: true) { id name } }`;
  const write = (fields: number): string =>
    `query Benchmark { ${Array.from({ length: fields }, (_, at) => field(at)).join('\n')} } ${FRAGMENTS}`;
  const perField = countTokens(write(2)) - countTokens(write(1));
  const others = countTokens(write(1)) - perField;
  const text = write(Math.ceil((tokens - others) / perField));
  const document = parse(text, { noLocation: true });
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION)
    throw new Error('the operation is not the first');
  return { text, tokens: countTokens(text), document, operation };
}

function countTokens(text: string): number {
  let count = 0;
  for (let token = parse(text).loc?.startToken.next; token?.next; token = token.next) count++;
  return count;
}

const bounds = documentBounds({ maxCharacters: 10_000_000, maxTokens: 1_000_000 });
const armor = new ApolloArmor({
  maxDepth: { n: 1_000 },
  costLimit: { maxCost: 1e12 },
  maxAliases: { n: 1_000_000 },
  maxDirectives: { n: 1_000_000 },
}).protect();
const estimators = [simpleEstimator({ defaultComplexity: 1 })];

/** What each library does with a document that is parsed, and which it admits. */
export const analyses = {
  /** Depth, breadth, aliases, directives, cost and the rest of `limitOperation`. */
  here: ({ document, operation }: Sized): unknown =>
    analyzeOperation({ schema, document, operation, variables: {} }),
  /** With the bounds of text and document in front. */
  'here, with bounds': (sized: Sized): unknown => {
    const denial = bounds.checkText(sized.text) ?? bounds.checkDocument(sized.document);
    if (denial) throw new Error(denial.code);
    return analyses.here(sized);
  },
  /** Depth, cost, aliases and directives, each in a walk of its own. */
  'graphql-armor': ({ document }: Sized): unknown => {
    const [error] = validate(schema, document, armor.validationRules);
    if (error) throw error;
    return undefined;
  },
  /** Cost alone. */
  'graphql-query-complexity': ({ document }: Sized): unknown =>
    getComplexity({ schema, query: document, variables: {}, estimators }),
} as const;
