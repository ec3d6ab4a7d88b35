import { PAGE_DISABLED } from './documentation-pages.ts';
import { denialAnswer, type YogaAnswer } from './yoga-answer.ts';

/**
 * Yoga shows GraphiQL and its landing page before any plugin is asked, and tells plugins nothing of its options. No
 * operation is answered in HTML, so whatever is HTML is a page.
 */
export function closePage({ response, setResponse, fetchAPI }: YogaAnswer): void {
  const type = response.headers.get('content-type') ?? '';
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) {
    setResponse(denialAnswer(PAGE_DISABLED, fetchAPI));
  }
}
