/** What a broken `record` does, by name. */
export const brokenRecorders: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('full');
    },
  ],
  ['rejects', () => Promise.reject(new Error('full'))],
  ['answers that it was lost', () => Promise.resolve({ ok: false, problem: 'lost' })],
  ['answers that it is late', () => ({ ok: false, problem: 'late' })],
  ['answers false', () => false],
  ['is a receipt of another shape', () => ({ ok: 'yes' })],
];
