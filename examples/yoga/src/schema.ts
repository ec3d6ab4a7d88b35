/** Directives of the schema guard what they stand on; sizes and costs are those of IBM's specification. */
export const typeDefs = `
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
  directive @auth(requires: [String!]!) on FIELD_DEFINITION | OBJECT
  directive @cost(weight: String!) on FIELD_DEFINITION
  directive @listSize(assumedSize: Int, slicingArguments: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION

  interface Node { id: ID! }

  type Contract @requiresScopes(scopes: [["contracts"], ["admin"]]) { royalty: Float! }

  type Author implements Node {
    id: ID!
    name: String!
    email: String @requiresScopes(scopes: [["pii:read"]])
    contract: Contract
    books: [Book!]! @listSize(assumedSize: 20)
  }

  type Book implements Node {
    id: ID!
    title: String!
    author: Author! @cost(weight: "2")
    price: Int @auth(requires: ["librarian"])
  }

  "Guarded wherever it is reached: in a list, by its id, and by node."
  type Loan implements Node @requiresScopes(scopes: [["loans:read"], ["admin"]]) {
    id: ID!
    book: Book!
  }

  type Query {
    books(first: Int = 10): [Book!]! @listSize(slicingArguments: ["first"])
    authors: [Author!]! @listSize(assumedSize: 5)
    loans(first: Int!): [Loan!]! @listSize(slicingArguments: ["first"])
    loan(id: ID!): Loan
    node(id: ID!): Node
  }

  type Mutation {
    addBook(title: String!): Book!
    borrow(bookId: ID!): Loan
  }
`;
