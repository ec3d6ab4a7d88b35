import { safeError } from '@apisec/graphql';
import type { BaseContext, GraphQLRequestListener } from '@apollo/server';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';

type Listener = Required<
  Pick<
    GraphQLRequestListener<BaseContext>,
    'didEncounterSubsequentErrors' | 'willSendSubsequentPayload'
  >
>;

/** What a part brings, in either format: a copy that Apollo has made to put formatted errors into. */
interface Brought {
  errors?: readonly GraphQLFormattedError[];
}

/**
 * Leaves of the errors in later parts of an incremental answer what was made for callers. Apollo tells of the errors of
 * each thing that a part brings before it formats them, and of the part when all are formatted.
 *
 * @param isShown whether errors go out as they are.
 */
export function laterErrors(isShown: boolean): Listener {
  let told: (readonly GraphQLError[])[] = [];
  return {
    didEncounterSubsequentErrors: async (_context, errors) => {
      if (!isShown) told.push(errors);
    },
    willSendSubsequentPayload: async (_context, part) => {
      if (isShown) return;
      // Its type says which format has which.
      const { incremental = [], completed = [] } = part as {
        readonly incremental?: readonly Brought[];
        readonly completed?: readonly Brought[];
      };
      const originals = told.values();
      told = [];
      for (const each of [...incremental, ...completed]) {
        if (!each.errors) continue;
        const errors = originals.next().value ?? [];
        each.errors = each.errors.map((formatted, at) => safeError(errors[at], formatted));
      }
    },
  };
}
