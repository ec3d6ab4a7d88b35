/** What a database would hold, and what it was asked. */
export interface Author {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly contract: { readonly royalty: number };
}

export interface Book {
  readonly id: string;
  readonly title: string;
  readonly author: Author;
  readonly price: number;
}

export interface Loan {
  readonly id: string;
  readonly ownerId: string;
  readonly book: Book;
}

const ursula: Author = {
  id: 'author-1',
  name: 'Ursula',
  email: 'ursula@example.com',
  contract: { royalty: 0.12 },
};

export function createLibrary() {
  const shelf: Book[] = Array.from({ length: 40 }, (_, at) => ({
    id: `book-${at + 1}`,
    title: `Volume ${at + 1}`,
    author: ursula,
    price: 1_200,
  }));
  const loans: Loan[] = [];
  const queries: string[] = [];
  const asked = <T>(query: string, rows: T): T => {
    queries.push(query);
    return rows;
  };
  return {
    queries,
    books: (first: number) => asked('books', shelf.slice(0, Math.max(0, first))),
    authors: () => asked('authors', [ursula]),
    booksOf: (author: Author) => shelf.filter((book) => book.author === author),
    loansOf: (ownerId: string, first: number) =>
      asked('loans', loans.filter((loan) => loan.ownerId === ownerId).slice(0, Math.max(0, first))),
    loansById: (ids: readonly string[]) =>
      asked(
        `loans by ${ids.length} ids`,
        loans.filter(({ id }) => ids.includes(id)),
      ),
    nodeOf: (id: string, ownerId: string) =>
      asked(
        'node',
        [ursula, ...shelf].find((each) => each.id === id) ??
          loans.find((each) => each.id === id && each.ownerId === ownerId),
      ),
    add: (title: string): Book => {
      const book = { id: `book-${crypto.randomUUID()}`, title, author: ursula, price: 1_200 };
      shelf.push(book);
      return asked('add', book);
    },
    borrow: (ownerId: string, bookId: string): Loan | undefined => {
      const book = shelf.find(({ id }) => id === bookId);
      if (!book) return undefined;
      const loan = { id: `loan-${crypto.randomUUID()}`, ownerId, book };
      loans.push(loan);
      return asked('borrow', loan);
    },
  };
}

export type Library = ReturnType<typeof createLibrary>;
