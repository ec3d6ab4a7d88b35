import type { DocumentationPages, HostOptions, OperationOptions } from '@apisec/graphql';
import type { BaseContext } from '@apollo/server';

/**
 * Options of `apisec`. Hosts are asked about your context value; Node's request is found in it as `req`. Without that,
 * and without `request`, a repeated `Authorization` is not seen, since Apollo is given only the first: then create the
 * HTTP server with `joinDuplicateHeaders`.
 */
export interface ApisecOptions<Facts extends object, Context extends BaseContext>
  extends OperationOptions<Facts>,
    HostOptions<Context>,
    DocumentationPages {
  /**
   * Aborted when the caller disconnects: on fetch-style hosts the `signal` of the web request. Default: the connection
   * of `contextValue.req`. With neither, a call runs to its end, and is recorded as if somebody had read its answer.
   */
  readonly signal?: ((contextValue: Context) => AbortSignal | undefined) | undefined;
}
