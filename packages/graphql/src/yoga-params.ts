import { GraphQLError } from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';
import { deniedResult } from './denial-error.ts';
import { deniedText } from './denied-document.ts';
import { isRecord } from './operation-state.ts';

/**
 * Yoga answers 500 to variables in a URL or a form that are not JSON: a fault of the caller. To a body that is not JSON
 * it answers with the error of the parser, and in that with the body, however long it is.
 */
export async function readParams<Params>(
  read: (request: Request) => Params | PromiseLike<Params>,
  request: Request,
): Promise<Params> {
  try {
    return await read(request);
  } catch (cause) {
    throw cause instanceof SyntaxError || tellsItsCause(cause) ? malformed() : cause;
  }
}

/** Yoga answers a batch without operations, or of anything else, with a success. */
export function assertOperations(batch: readonly unknown[]): void {
  if (batch.length === 0 || !batch.every(isRecord)) throw malformed();
}

function malformed(): GraphQLError {
  const { errors = [], extensions } = deniedResult({
    kind: 'malformed',
    code: 'message.malformed',
  });
  return new GraphQLError(errors[0]?.message ?? '', {
    extensions: { ...errors[0]?.extensions, ...extensions },
  });
}

/**
 * The parameters with a text in the place of what stands for a trusted document. Yoga does not go on without a text:
 * what stands for one that is not known runs nothing.
 */
export function withText(params: GraphQLParams, text: string | undefined): GraphQLParams {
  const { documentId: _, doc_id: __, ...others } = params as GraphQLParams & Ids;
  return { ...others, query: text ?? deniedText };
}

/** What stands for a trusted document, beside `extensions`. */
interface Ids {
  readonly documentId?: unknown;
  readonly doc_id?: unknown;
}

function tellsItsCause(error: unknown): boolean {
  return (
    error instanceof Error &&
    'extensions' in error &&
    typeof error.extensions === 'object' &&
    error.extensions !== null &&
    'originalError' in error.extensions
  );
}
