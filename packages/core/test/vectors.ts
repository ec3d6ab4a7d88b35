import { join } from 'node:path';

/** Where published test vectors are; tests of theirs say so where the folder is absent. */
export const VECTORS: string =
  process.env['APISEC_VECTORS'] ?? join(import.meta.dirname, '../../../../shared/vectors');
