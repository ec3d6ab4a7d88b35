import { buildTrustedDocuments } from '@apisec/graphql';

/** What the client of this API asks; a build writes it into a file, from `.graphql` files and scripts. */
export const sources = [
  { path: 'fragments.graphql', text: 'fragment BookParts on Book { title author { name } }' },
  {
    path: 'pages.tsx',
    text: 'const page = gql`query Books($first: Int) { books(first: $first) { ...BookParts } }`;',
  },
  {
    path: 'edit.graphql',
    text: 'mutation AddBook($title: String!) { addBook(title: $title) { title } }',
  },
];

export const manifestOf = () => buildTrustedDocuments(sources);
