/** 32 bytes that look drawn, the same ones for the same number. */
export function secretOf(seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: 32 },
    (_, at) => Math.imul((at + 1) * (seed + 1), 0x9e3779b1) >>> 24,
  );
}
