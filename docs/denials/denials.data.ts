import { denialPages } from '../.vitepress/denials.ts';

export default { load: () => denialPages().map(({ code, meaning }) => ({ code, meaning })) };
