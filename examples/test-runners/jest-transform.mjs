import { transformSync } from 'esbuild';

export default {
  process: (source, file) =>
    transformSync(source, { loader: 'ts', format: 'esm', sourcefile: file }),
};
