import { createHmac } from 'node:crypto';
import {
  type LoginRoutes,
  memoryPasskeyStore,
  memoryTicketStore,
  type RecoveryEvent,
} from '@apisec/accounts';
import { passkeys } from '@apisec/accounts/passkeys';
import { type AuditAct, audit } from '@apisec/core';
import { memorySessionStore, sessions } from '@apisec/oauth';
import { password } from './common.ts';
import { sealingKeys } from './sealing-keys.ts';

export const keys = passkeys({
  rpId: 'shop.example.com',
  rpName: 'Shop',
  origins: ['https://shop.example.com'],
  store: memoryPasskeyStore(),
  tickets: memoryTicketStore(),
});
export const mail = async (): Promise<void> => undefined;

export const browser = sessions({ store: memorySessionStore(), keys: sealingKeys });
/** What a step-up was begun with. */
export const steppedUp: unknown[] = [];
export const routes: Pick<LoginRoutes, 'stepUp'> = {
  stepUp: async (_request, { peer }, running) => {
    steppedUp.push({ ...running, peer: peer.id });
    return Response.json({ status: 'requires_mfa' });
  },
};

export const isPasswordOf = (_subject: string, evidence: unknown): boolean => evidence === password;
export const isLinkOf = (): boolean => true;
export const isConfirmedBySupport = (): boolean => false;
/** What its user heard of. */
export const heard: RecoveryEvent[] = [];
export const tellOnEveryChannel = (event: RecoveryEvent): void => {
  heard.push(event);
};
/** Of another recovery than the one that is begun. */
export const token = 'x'.repeat(68);
export const link = 'a link';

/** What support did. */
export const acts: AuditAct[] = [];
const trail = audit({ sinks: [() => undefined] });
export const log = {
  record: (act: AuditAct) => {
    acts.push(act);
    return trail.record(act);
  },
};

export { sealingKeys };

/** The code that its user reads at the moment. */
export let code = '';
/** What was shown to the user. */
export let shown: readonly string[] = [];
let secret = '';
export const showQrCode = (uri: string): void => {
  secret = new URL(uri).searchParams.get('secret') ?? '';
  // A step ago is still good, and leaves this step's code for the login.
  code = codeOf(secret, -1);
};
export const showOnce = (codes: readonly string[]): void => {
  shown = codes;
  code = codeOf(secret, 0);
};

/** What an authenticator app shows (RFC 6238), `steps` from now. */
function codeOf(base32: string, steps: number): string {
  const bits = base32
    .split('')
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
