// Puts every change of a file into it, each behind a switch, by the instrumenter of Stryker.
import { Instrumenter } from '@stryker-mutator/instrumenter';

const silent = () => {};
const logger = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
};

export async function instrument(name, content) {
  const { files, mutants } = await new Instrumenter(logger).instrument(
    [{ name, content, mutate: true }],
    { plugins: null, ignorers: [], excludedMutations: [] },
  );
  return { content: files[0].content, mutants };
}
