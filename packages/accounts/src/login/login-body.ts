import { isObject, parseStrictObject, readBytes } from '@apisec/core/host';
import type { LoginCaller, NextStep } from './login-types.ts';

const MOST_BODY_BYTES = 65_536;
const CODES = ['totp', 'backup_code', 'mail', 'sms'] as const;

/** The body that a browser sent, unchecked. */
export type LoginBody = Readonly<Record<string, unknown>>;

/** The body of a request: JSON of at most 64 KiB, an object that every reader reads alike; undefined otherwise. */
export async function bodyOf(request: Request): Promise<LoginBody | undefined> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json *(;|$)/i.test(type) || request.body === null) return undefined;
  const bytes = await readBytes(request.body, MOST_BODY_BYTES);
  return bytes && parseStrictObject(bytes);
}

/** A step, without the members that say who calls. By kind: `Omit` of a union keeps only what all kinds share. */
type UnnamedStep = NextStep extends infer Each
  ? Each extends NextStep
    ? Omit<Each, keyof LoginCaller>
    : never
  : never;

/** The step in a body; undefined where a member that it needs is missing or of the wrong type. */
export function nextStep(body: LoginBody): UnnamedStep | undefined {
  const { ticket, method, code, password, response } = body;
  if (typeof ticket !== 'string') return undefined;
  const common = { ticket, remember: body['remember'] === true };
  if (method === 'passkey') {
    return isObject(response) ? { ...common, method, response } : undefined;
  }
  if (method === 'password') {
    return typeof password === 'string' ? { ...common, method, password } : undefined;
  }
  const known = CODES.find((each) => each === method);
  return known !== undefined && typeof code === 'string'
    ? { ...common, method: known, code }
    : undefined;
}
