/** See `workerd.mjs`. */
export function serveOnWorkerd(options: {
  readonly binary: string;
  readonly folder: string;
  readonly modules: Readonly<Record<string, string>>;
  readonly bindings?: Readonly<Record<string, string>>;
  readonly self?: boolean;
}): Promise<{ readonly port: number; readonly pid: number; readonly close: () => void }>;
