/** What a database would hold, and how often it was asked. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly margin: number;
}

export interface Order {
  readonly id: string;
  readonly ownerId: string;
  readonly productId: string;
  readonly paymentId: string;
}

export interface Payment {
  readonly id: string;
  readonly ownerId: string;
  readonly last4: string;
}

export function createShop() {
  const products: readonly Product[] = Array.from({ length: 40 }, (_, at) => ({
    id: `product-${at}`,
    name: `Tea ${at}`,
    price: 400 + at,
    margin: 90,
  }));
  const orders: Order[] = [];
  const payments: Payment[] = [];
  const queries: string[] = [];
  const asked = <T>(query: string, rows: T): T => {
    queries.push(query);
    return rows;
  };
  return {
    queries,
    products: (first: number) => asked(`products ${first}`, products.slice(0, Math.max(0, first))),
    productsById: (ids: readonly string[]) =>
      asked(
        `products by ${ids.length} ids`,
        products.filter(({ id }) => ids.includes(id)),
      ),
    ordersOf: (ownerId: string, first: number) =>
      asked(
        'orders',
        orders.filter((order) => order.ownerId === ownerId).slice(0, Math.max(0, first)),
      ),
    ordersById: (ids: readonly string[]) =>
      asked(
        `orders by ${ids.length} ids`,
        orders.filter(({ id }) => ids.includes(id)),
      ),
    paymentsById: (ids: readonly string[]) =>
      asked(
        `payments by ${ids.length} ids`,
        payments.filter(({ id }) => ids.includes(id)),
      ),
    nodeOf: (id: string, ownerId: string) =>
      asked(
        'node',
        products.find((each) => each.id === id) ??
          [...orders, ...payments].find((each) => each.id === id && each.ownerId === ownerId),
      ),
    place: (ownerId: string, productId: string): Order => {
      const payment = { id: `payment-${crypto.randomUUID()}`, ownerId, last4: '4242' };
      const order = {
        id: `order-${crypto.randomUUID()}`,
        ownerId,
        productId,
        paymentId: payment.id,
      };
      payments.push(payment);
      orders.push(order);
      return asked('place', order);
    },
  };
}

export type Shop = ReturnType<typeof createShop>;
