import { loadObject, pathParameter } from '@apisec/core';
import { type Documents, document } from './documents.ts';

declare const db: Documents;
export const loadDocument = loadObject(document, {
  id: pathParameter('id'),
  load: (id) => db.documents.find(id),
});
