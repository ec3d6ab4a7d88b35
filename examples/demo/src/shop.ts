import type { Principal } from '@apisec/core';

/** What every operation of the shop answers. */
export interface Reply {
  readonly message: string;
}

/** The shop itself. It knows nothing of transports, tokens or policies. */
export const shop = {
  health: (): Reply => ({ message: 'open' }),
  orders: ({ subject }: Principal): Reply => ({ message: `3 orders, for ${subject}` }),
  placeOrder: ({ subject }: Principal): Reply => ({ message: `ordered, for ${subject}` }),
  refund: ({ subject }: Principal): Reply => ({ message: `refunded, by ${subject}` }),
  payout: ({ subject }: Principal): Reply => ({ message: `paid out, to ${subject}` }),
  exported: ({ subject }: Principal): Reply => ({ message: `all orders, for ${subject}` }),
  forecast: (): Reply => ({ message: 'sunny' }),
  stock: (): Reply => ({ message: '12 pallets' }),
  /** Left over from an afternoon of debugging, and in no policy. */
  debug: (): Reply => ({ message: 'every secret of the shop' }),
};
