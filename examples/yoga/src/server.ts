import type { TrustedIssuer } from '@apisec/core';
import { signalOf, trustedDocuments } from '@apisec/graphql';
import { apisec } from '@apisec/graphql/yoga';
import { createSchema, createYoga } from 'graphql-yoga';
import { booksPolicy } from './policy.ts';

const typeDefs = `
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
  directive @listSize(assumedSize: Int, slicingArguments: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION

  type Contract @requiresScopes(scopes: [["contracts"], ["admin"]]) { royalty: Float! }
  type Author { name: String!, email: String @requiresScopes(scopes: [["pii:read"]]), contract: Contract, books: [Book!]! @listSize(assumedSize: 20) }
  type Book { title: String!, author: Author! }
  type Query {
    books(first: Int = 10): [Book!]! @listSize(slicingArguments: ["first"])
    authors: [Author!]! @listSize(assumedSize: 5)
  }
  type Mutation { addBook(title: String!): Book! }
`;

interface Book {
  readonly title: string;
  readonly author: Author;
}
interface Author {
  readonly name: string;
  readonly email: string;
  readonly contract: { readonly royalty: number };
}

const ursula: Author = { name: 'Ursula', email: 'ursula@example.com', contract: { royalty: 0.12 } };

/** @param manifest the documents of this API's clients, as `buildTrustedDocuments` wrote them. */
export function createServer(trusted: TrustedIssuer, manifest: object) {
  const { api, free } = booksPolicy(trusted);
  const shelf: Book[] = Array.from({ length: 40 }, (_, at) => ({
    title: `Volume ${at + 1}`,
    author: ursula,
  }));
  const schema = createSchema({
    typeDefs,
    resolvers: {
      Query: {
        books: (_root: unknown, { first }: { first: number }, context: object) => {
          // A database would be given the signal, to stop when nobody waits any more.
          signalOf(context).throwIfAborted();
          return shelf.slice(0, first);
        },
        authors: () => [ursula],
      },
      Author: {
        books: (author: Author) => shelf.filter((book) => book.author === author),
      },
      Mutation: {
        addBook: (_root: unknown, { title }: { title: string }) => {
          const book = { title, author: ursula };
          shelf.push(book);
          return book;
        },
      },
    },
  });
  return createYoga({
    schema,
    logging: false,
    plugins: [
      apisec({
        admission: api,
        trusted: { documents: trustedDocuments(manifest), free },
        execution: { deadline: '5s', nodes: 1_000, responseBytes: 200_000 },
      }),
    ],
  });
}
