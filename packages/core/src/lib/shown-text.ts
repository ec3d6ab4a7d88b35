/** Text of a caller as operators may see it in a cause: on one line, and no more than 200 characters of it. */
export function shownText(text: string): string {
  return text.slice(0, 200).replace(/[^ -~]/g, '?');
}
