import {
  chargeLimit,
  type Limit,
  type LimitAnswer,
  type LimitRequest,
  type LimitState,
  type LimitVerdict,
  limitSpeed,
  limitVerdict,
} from '@apisec/core';

/** Calls as the script reads them. */
export interface EncodedCalls {
  readonly keys: readonly string[];
  /** Two arguments: which keys and laws each call names, and the laws. */
  readonly args: readonly [codes: string, laws: string];
  /** For each limit of each call, in order, which key it counts (from 0). */
  readonly places: readonly number[];
}

const KINDS = { bucket: 0, fixed_window: 1, sliding_window: 2 } as const;
const SEARCHED = 16;
const DOUBLE = 8;
const STATE = 3 * DOUBLE;
const ADMITTED = '1'.charCodeAt(0);

/** Which limit a key counts: its kind, and how fast it recovers. */
export function kindOf(limit: Limit): string {
  return `${KINDS[limit.algorithm]}:${limitSpeed(limit)}`;
}

/** What a limit is to the script: its kind, and two numbers. */
export function lawOf(limit: Limit): readonly [kind: number, a: number, b: number] {
  return limit.algorithm === 'bucket'
    ? [KINDS.bucket, limit.refill, limit.period]
    : [KINDS[limit.algorithm], limit.window, 0];
}

/**
 * Writes calls so that the script has little to read: it takes Redis longer to parse a number than to count. Each
 * call is one character that says how many limits it has, and for each of them four: the number of the key (from 1)
 * and of the law (from 0), in two digits of seven bits. Each law is five numbers, however many calls it is for.
 */
export function encodeCalls(
  calls: readonly (readonly LimitRequest[])[],
  keyOf: (request: LimitRequest) => string,
): EncodedCalls {
  const keys = new Map<string, number>();
  const laws: number[] = [];
  const places: number[] = [];
  let codes = '';
  for (const requests of calls) {
    codes += String.fromCharCode(requests.length);
    for (const request of requests) {
      const key = keyOf(request);
      let number = keys.get(key);
      if (number === undefined) keys.set(key, (number = keys.size + 1));
      places.push(number - 1);
      const law = numberOfLaw(laws, request);
      codes += String.fromCharCode(number >> 7, number & 127, law >> 7, law & 127);
    }
  }
  return { keys: [...keys.keys()], args: [codes, JSON.stringify(laws)], places };
}

/**
 * The number of what is asked among `laws`, which gets it if it is new. Only the last ones are looked at, so that calls
 * that each cost something else do not search each other; a law that is there twice does no harm.
 */
function numberOfLaw(laws: number[], { limit, cost }: LimitRequest): number {
  const [kind, a, b] = lawOf(limit);
  const { capacity } = limit;
  for (let at = Math.max(0, laws.length - SEARCHED * 5); at < laws.length; at += 5) {
    if (
      laws[at] === kind &&
      laws[at + 1] === a &&
      laws[at + 2] === b &&
      laws[at + 3] === capacity &&
      laws[at + 4] === cost
    ) {
      return at / 5;
    }
  }
  return laws.push(kind, a, b, capacity, cost) / 5 - 1;
}

/**
 * Reads what the script answers: the states that it found, and whether each call was allowed. What came of that is
 * worked out here, by the same law, so that the server need not write it.
 */
export function readAnswer(
  answer: Buffer,
  calls: readonly (readonly LimitRequest[])[],
  { keys, places }: EncodedCalls,
): readonly LimitAnswer[] {
  const flags = DOUBLE + keys.length * STATE;
  if (answer.length !== flags + calls.length) throw new TypeError('Redis: no answer of the script');
  const at = answer.readDoubleBE(0);
  const states = keys.map((_, index): LimitState => {
    const offset = DOUBLE + index * STATE;
    return {
      used: answer.readDoubleBE(offset),
      at: answer.readDoubleBE(offset + DOUBLE),
      previous: answer.readDoubleBE(offset + 2 * DOUBLE),
    };
  });
  let place = 0;
  return calls.map((requests, index) => {
    const allowed = answer[flags + index] === ADMITTED;
    const verdicts = requests.map(({ limit, cost }): LimitVerdict => {
      // A place for each limit of each call, as they were written.
      const state = states[places[place++] as number] as LimitState;
      if (allowed && cost > 0) chargeLimit(limit, state, at, cost);
      return limitVerdict(limit, state, at, cost, allowed);
    });
    return { allowed, at, verdicts };
  });
}
