import { softAuthenticator } from '../../../../packages/accounts/test/soft-authenticator.ts';

export const account = { mail: 'alice@example.com' };

type Creation = Parameters<ReturnType<typeof softAuthenticator>['create']>[0];
/** What the browser was asked last. */
export let options: Creation;
/** What the page sent to its server. */
export const sent: unknown[] = [];
export const send = (value: unknown): number => sent.push(value);

const device = softAuthenticator('https://shop.example.com', 'shop.example.com');
export const answerOfPage = async (asked: Creation): Promise<unknown> => {
  // Only what is created names a user.
  if (asked.user === undefined) return device.get(asked);
  options = asked;
  return device.create(asked);
};

/** The API of browsers, on the same authenticator. */
export class PublicKeyCredential {
  static parseCreationOptionsFromJSON(json: Creation): Creation {
    return json;
  }
  readonly #json: unknown;
  constructor(json: unknown) {
    this.#json = json;
  }
  toJSON(): unknown {
    return this.#json;
  }
}
export const navigator = {
  credentials: {
    create: async ({ publicKey }: { readonly publicKey: Creation }) =>
      new PublicKeyCredential(device.create(publicKey)),
  },
};
