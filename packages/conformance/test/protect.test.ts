import { describeConformance, httpSubject, protectedApi } from '../src/index.ts';

describeConformance({
  ...httpSubject,
  name: 'protect()',
  start: async (api) => ({ fetch: protectedApi(api), close: async () => undefined }),
});
