import {
  type AuthenticatedFacts,
  allowAuthenticated,
  type CallFacts,
  guard,
  guardMessages,
  limitPage,
  type MessageFacts,
  type MessagesFacts,
  type PageFacts,
  type Policy,
} from '@apisec/core';
import { member } from './clients/observe.ts';

/** The largest page of the suite, and the one without a word. */
export const LARGEST_PAGE = 50;
export const USUAL_PAGE = 20;

const size = { max: LARGEST_PAGE, default: USUAL_PAGE };
const secrets = [crypto.getRandomValues(new Uint8Array(32))];
const caller = ({ principal }: AuthenticatedFacts): string => principal.id;

/** A page that the query asks for, as REST has it. */
export const pageOfQuery: Policy<CallFacts & AuthenticatedFacts, PageFacts, 'check'> = limitPage({
  size,
  sort: ['name'],
  cursors: { secrets, caller },
});

/** A page whose size is the amount that the message asks for: body, arguments, or message of gRPC. */
export const pageOfMessage: Policy<
  CallFacts & AuthenticatedFacts,
  MessagesFacts<PageFacts>,
  'check'
> = guardMessages(
  guard<CallFacts & AuthenticatedFacts & MessageFacts>()
    .use(limitPage({ size, from: ({ message }) => ({ limit: member(message, 'amount') }) }))
    .use(allowAuthenticated()),
);

/** What the handler of either answers. */
export async function describePage(facts: object): Promise<string> {
  // The guards of these operations add one or the other.
  const { page, messages } = facts as Partial<PageFacts & MessagesFacts<PageFacts>>;
  if (page === undefined) return `page of ${messages?.only().page.size}`;
  return `page of ${page.size} after ${page.after?.join()} next ${await page.next([7])}`;
}
