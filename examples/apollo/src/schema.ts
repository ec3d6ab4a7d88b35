/** Directives of the schema guard what they stand on; sizes and costs are those of IBM's specification. */
export const typeDefs = `
  directive @authenticated on FIELD_DEFINITION | OBJECT
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
  directive @auth(requires: [String!]!) on FIELD_DEFINITION | OBJECT
  directive @cost(weight: String!) on FIELD_DEFINITION
  directive @listSize(assumedSize: Int, slicingArguments: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
  directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION | OBJECT
  enum CacheControlScope { PUBLIC PRIVATE }

  interface Node { id: ID! }

  type Product implements Node @cacheControl(maxAge: 60) {
    id: ID!
    name: String!
    price: Int! @cost(weight: "2")
    margin: Int @auth(requires: ["sales"])
  }

  "Guarded wherever it is reached: below an order, and by node."
  type Payment implements Node @requiresScopes(scopes: [["payments:read"], ["admin"]]) {
    id: ID!
    last4: String!
  }

  type Customer { name: String!, email: String @requiresScopes(scopes: [["pii:read"]]) }

  type Order implements Node {
    id: ID!
    product: Product!
    customer: Customer!
    payment: Payment
  }

  type Query {
    products(first: Int = 10): [Product!]! @listSize(slicingArguments: ["first"], requireOneSlicingArgument: false) @cacheControl(maxAge: 60)
    orders(first: Int!): [Order!]! @listSize(slicingArguments: ["first"])
    order(id: ID!): Order
    node(id: ID!): Node
  }

  type Mutation { placeOrder(productId: ID!): Order! }
`;
