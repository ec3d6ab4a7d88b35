export const SECRET = 'a secret of at least thirty-two characters';
export const KEYS = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
