import { denialPages } from '../.vitepress/denials.ts';

export default {
  paths: () => denialPages().map((page) => ({ params: page })),
};
