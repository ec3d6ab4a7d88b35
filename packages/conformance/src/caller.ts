import { CASE_HEADER } from './limit-policies.ts';
import type { CallSpec, Observed } from './subject.ts';
import type { Running } from './suite.ts';

/** Makes calls of one caller to one operation. */
export interface Caller {
  readonly call: (spec?: Omit<Partial<CallSpec>, 'operation'>, id?: string) => Promise<Observed>;
}

/** Somebody who has not called yet. */
export async function callerOf(
  { client, credentials }: Running,
  operation: string,
): Promise<Caller> {
  const token = await credentials.token({ claims: { sub: crypto.randomUUID() } });
  return {
    call: ({ headers = [], message = { amount: 1 }, signal } = {}, id = crypto.randomUUID()) =>
      client.call({
        operation,
        message,
        signal,
        headers: [[CASE_HEADER, id], ['authorization', `Bearer ${token}`], ...headers],
      }),
  };
}
