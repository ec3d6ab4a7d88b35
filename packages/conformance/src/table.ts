import type { Admission, CallFacts } from '@apisec/core';
import type { ConformanceApi } from './subject.ts';

/** The listed operations under the names that a protocol knows them by. */
export function tableOf(
  { operations }: ConformanceApi,
  namesOf: (operation: string) => readonly string[],
): Record<string, Admission<CallFacts, object>> {
  return Object.fromEntries(
    operations
      .filter((operation) => operation.listed)
      .flatMap(({ name, admission }) => namesOf(name).map((known) => [known, admission])),
  );
}

/** REST names: an operation with a body is a POST, one without is a GET. */
export function restNames(operation: string): readonly string[] {
  return [`GET /${operation}`, `POST /${operation}`, `QUERY /${operation}`];
}
