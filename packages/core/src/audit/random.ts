/** Numbers from 0 up to 1, some at a time. */
export function secureRandom(): () => number {
  const pool = new Uint32Array(128);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      crypto.getRandomValues(pool);
      next = 0;
    }
    return (pool[next++] ?? 0) / 2 ** 32;
  };
}

/** 96 random bits: no two processes ever share a name. */
export function randomName(): string {
  let name = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(12)))
    name += byte.toString(16).padStart(2, '0');
  return name;
}
