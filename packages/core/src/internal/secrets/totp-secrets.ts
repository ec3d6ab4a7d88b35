import type { TotpRecord } from '../../stores/totp-store.ts';
import { equalInConstantTime } from '../equal-in-constant-time.ts';
import { oneTimeCodes } from './one-time-code.ts';
import { type SealedText, type SealingKeys, sealing } from './sealing.ts';
import type { Judgement } from './totp-attempts.ts';

/** Secrets that only show themselves by the codes they make. */
export interface TotpSecrets {
  readonly seal: (secret: Uint8Array, account: string) => Promise<SealedText>;
  /**
   * Takes a code that was not used before; its secret moves to the current sealing key. Rejects where the
   * secret cannot be opened.
   */
  readonly take: (record: TotpRecord, code: string, at: number) => Promise<Judgement>;
}

/** `drift` is in steps, to both sides. */
export function totpSecrets(sealingKeys: SealingKeys, drift: number): TotpSecrets {
  const secrets = sealing('totp', sealingKeys, 'apisec totp secret');
  const currentKey = sealingKeys.current;
  return {
    seal: secrets.seal,
    take: async (record, code, at) => {
      if (code.length !== record.digits) return 'totp.malformed';
      const secret = await secrets.open(record.secret, record.account);
      const codeOf = await oneTimeCodes(secret, record);
      const step = Math.floor(at / 1000 / record.period);
      let matched = -1;
      // All steps are tried, and of two with the same code the later one is used up.
      for (let each = Math.max(0, step - drift); each <= step + drift; each++) {
        if (equalInConstantTime(await codeOf(each), code)) matched = each;
      }
      if (matched < 0) return 'totp.invalid';
      if (matched <= record.lastStep) return 'totp.reused';
      const used = { ...record, lastStep: matched };
      if (record.secret.key === currentKey) return used;
      return { ...used, secret: await secrets.seal(secret, record.account) };
    },
  };
}
