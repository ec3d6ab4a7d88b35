import { factsOf, type TrustedIssuer } from '@apisec/core';
import { signalOf, trustedDocuments } from '@apisec/graphql';
import { apisec } from '@apisec/graphql/yoga';
import { createSchema, createYoga } from 'graphql-yoga';
import { type Author, createLibrary } from './library.ts';
import { booksPolicy } from './policy.ts';
import { typeDefs } from './schema.ts';

/** @param manifest the documents of this API's clients, as `buildTrustedDocuments` wrote them. */
export function createServer(trusted: TrustedIssuer, manifest: object, library = createLibrary()) {
  const { api, fields, free, caller, ownLoan } = booksPolicy(trusted, library);
  const ownerOf = (context: object): string => factsOf(context, caller).principal.id;
  const schema = createSchema<object>({
    typeDefs,
    resolvers: {
      Node: { __resolveType: ({ id }: { id: string }) => typeOf(id) },
      Query: {
        books: (_root: unknown, { first }: { first: number }, context) => {
          // A database would be given the signal, to stop when nobody waits any more.
          signalOf(context).throwIfAborted();
          return library.books(first);
        },
        authors: () => library.authors(),
        loans: (_root: unknown, { first }: { first: number }, context) =>
          library.loansOf(ownerOf(context), first),
        loan: (_root: unknown, _args: unknown, _context, info) => factsOf(info, ownLoan).loan,
        // What it finds is guarded by its type, whatever this returns.
        node: (_root: unknown, { id }: { id: string }, context) =>
          library.nodeOf(id, ownerOf(context)),
      },
      Author: { books: (author: Author) => library.booksOf(author) },
      Mutation: {
        addBook: (_root: unknown, { title }: { title: string }) => library.add(title),
        borrow: (_root: unknown, { bookId }: { bookId: string }, context) =>
          library.borrow(ownerOf(context), bookId),
      },
    },
  });
  return createYoga({
    schema,
    logging: false,
    batching: { limit: 5 },
    maxRequestBodySize: 200_000,
    plugins: [
      apisec({
        admission: api,
        fields,
        trusted: { documents: trustedDocuments(manifest), free },
        execution: { deadline: '5s', nodes: 1_000, resolverCalls: 2_000, responseBytes: 200_000 },
        maxBatch: 5,
        maxBatchCost: 400,
      }),
    ],
  });
}

function typeOf(id: string): string {
  if (id.startsWith('book-')) return 'Book';
  return id.startsWith('loan-') ? 'Loan' : 'Author';
}
