import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

const REPOSITORY = 'https://github.com/apisec/apisec/blob/main';

/**
 * Pages link to tests, examples and sources by relative path, so that the links work in an editor, too. On the site
 * they lead to the repository. One to a file that is not there fails the build, like every dead link.
 */
export function sourceLinks(md: MarkdownRenderer, docs: string): void {
  const { rules } = md.renderer;
  const { link_open: render } = rules;
  rules['link_open'] = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const href = token?.attrGet('href');
    const page = (env as { readonly path?: string }).path;
    if (token && href?.startsWith('.') && page) {
      const [path = '', fragment] = decodeURI(href).split('#');
      const target = join(dirname(page), path);
      if (relative(docs, target).startsWith('..')) {
        if (!existsSync(target)) throw new Error(`${page}: ${href} is not there`);
        const inRepository = relative(join(docs, '..'), target).replaceAll('\\', '/');
        token.attrSet('href', `${REPOSITORY}/${inRepository}${fragment ? `#${fragment}` : ''}`);
      }
    }
    return render
      ? render(tokens, index, options, env, self)
      : self.renderToken(tokens, index, options);
  };
}
