import { loadObject, pathParameter } from '@apisec/core';
import { document } from '../settings/documents.ts';
import { row } from './documents.ts';
import { audience, issuer } from './provider.ts';

export const loadDocument = loadObject(document, {
  id: pathParameter('id'),
  load: (id) => (id === row.id ? row : undefined),
});
export { audience, issuer };
