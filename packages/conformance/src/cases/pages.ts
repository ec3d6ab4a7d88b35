import { type Case, type Expectation, honest } from '../case.ts';
import { LARGEST_PAGE } from '../page-policies.ts';

const asked = (name: string, message: unknown, expect: Expectation): Case => ({
  name,
  operation: 'paged',
  authorization: honest,
  message,
  expect,
});
const INVALID: Expectation = { allowed: false, kind: 'malformed', code: 'page.invalid' };

/** Pages that the message of a call asks for. */
export const pageCases: readonly Case[] = [
  asked(
    'a page of the largest size',
    { amount: LARGEST_PAGE },
    { allowed: true, reply: { id: `page of ${LARGEST_PAGE}` } },
  ),
  asked('a page that is larger', { amount: LARGEST_PAGE + 1 }, INVALID),
  asked('a page of a size beyond all numbers', { amount: 1e300 }, INVALID),
  asked('half a page', { amount: 2.5 }, INVALID),
  asked('a page of less than nothing', { amount: -1 }, INVALID),
];
