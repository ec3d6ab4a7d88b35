let answered = 0;

/** What every handler answers. It counts, since only calls that reach a handler are what is compared. */
export function answer(): { readonly id: string; readonly item: string; readonly total: number } {
  answered++;
  return { id: '42', item: 'book', total: 1250 };
}

/** How many calls have reached a handler of this process. */
export function countAnswers(): number {
  return answered;
}
