export interface Document {
  readonly id: string;
  readonly ownerId: string;
  readonly department: string;
}

export interface Person {
  readonly id: string;
  readonly department: string;
}

/** What all three decide about: read by its owner, and by everybody in its department. */
export const documents: readonly Document[] = [
  { id: '1', ownerId: 'ann', department: 'sales' },
  { id: '2', ownerId: 'bob', department: 'research' },
  { id: '3', ownerId: 'cleo', department: 'sales' },
];

export const people: readonly Person[] = [
  { id: 'ann', department: 'sales' },
  { id: 'bob', department: 'research' },
];
