import { describeConformance, protectedApi, protectSubject } from '../src/index.ts';

describeConformance({
  ...protectSubject,
  name: 'protect()',
  start: async (api) => ({ fetch: protectedApi(api), close: async () => undefined }),
});
