import type { RequestLike } from '@apisec/core';
import type { DocumentationPages } from './documentation-pages.ts';
import type { HostOptions } from './host-call.ts';
import type { OperationOptions } from './operation-plan.ts';

/** Options of `apisec`. Hosts are asked about what Yoga calls its server context. */
export interface YogaOptions<Facts extends object>
  extends OperationOptions<Facts>,
    Omit<HostOptions<object>, 'request'>,
    DocumentationPages {
  /** What policies see of the request. Default: the web request, with the raw headers of Node's `req`. */
  readonly request?: ((request: Request, serverContext: object) => RequestLike) | undefined;
  /** Epoch milliseconds, by which tokens end subscriptions. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}
