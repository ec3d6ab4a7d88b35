/** There on Node, Bun, Deno and wherever a bundler writes a value in its place. */
declare const process: { readonly env: { readonly NODE_ENV?: string | undefined } };

/** Whether somebody develops (`NODE_ENV` is `development`): false where nobody says so, or it cannot be read. */
export function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV === 'development';
  } catch {
    // A runtime without environment, or Deno, where nobody allowed to read it.
    return false;
  }
}
