export const hash = 'the hash of the old key';
export const isHashOf = async (presented: string, of: string): Promise<boolean> =>
  presented === 'old_a1b2c3d4e5f6_secret' && of === hash;
