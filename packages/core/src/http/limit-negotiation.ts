import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertBetween, assertKnownOptions } from '../lib/options.ts';

/** Options of {@link limitNegotiation}. */
export interface LimitNegotiationOptions {
  /** Ranges of one `Range`. Default: 5. */
  readonly maxRanges?: number | undefined;
  /** Choices of one `Accept`, `Accept-Encoding`, `Accept-Language` or `Accept-Charset`. Default: 40. */
  readonly maxChoices?: number | undefined;
  /** Tags of one `If-Match` or `If-None-Match`. Default: 40. */
  readonly maxTags?: number | undefined;
}

const NAME = 'limitNegotiation';
const CHOICES = ['accept', 'accept-encoding', 'accept-language', 'accept-charset'];
const TAGS = ['if-match', 'if-none-match'];

/**
 * Denies calls whose header fields make the server work far more than they cost the caller: a `Range` of many pieces,
 * which servers cut and copy one by one, and lists of choices or tags that are sorted and compared in every handler.
 *
 * Denial: `call.negotiation_too_large` (400).
 *
 * @throws ConfigurationError for a bound that is not a number from 0 to 1,000, and unknown options.
 * @example
 * limitNegotiation({ maxRanges: 1 })
 */
export function limitNegotiation(
  options: LimitNegotiationOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['maxRanges', 'maxChoices', 'maxTags']);
  const { maxRanges = 5, maxChoices = 40, maxTags = 40 } = options;
  const bounds = { maxRanges, maxChoices, maxTags };
  for (const [name, value] of Object.entries(bounds))
    assertBetween(NAME, name, value, 0, 1_000, '');
  const fields = [
    ['range', maxRanges, denial({ header: 'range', maxRanges })],
    ...CHOICES.map((name) => [name, maxChoices, denial({ header: name, maxChoices })] as const),
    ...TAGS.map((name) => [name, maxTags, denial({ header: name, maxTags })] as const),
  ] as const;
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    check: ({ headers }) => {
      for (const [name, most, denied] of fields) {
        const value = headers.get(name);
        if (value !== null && value !== undefined && hasMore(value, most)) return denied;
      }
      return pass();
    },
  });
}

/** Which field had more than which bound, for operators. */
function denial(cause: object): Deny {
  return sharedDenial({
    kind: 'malformed',
    code: 'call.negotiation_too_large',
    detail: 'A header field of the request has more ranges, choices or tags than allowed.',
    cause,
  });
}

/** Counts commas, also those in quotes: nobody sends so many. */
function hasMore(value: string, most: number): boolean {
  let count = 1;
  for (let at = value.indexOf(','); at >= 0 && count <= most; at = value.indexOf(',', at + 1))
    count++;
  return count > most;
}
