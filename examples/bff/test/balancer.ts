import { request } from 'node:http';
import { serve } from 'apisec-example-identity-provider';

/** Stands in front of processes, under the one origin that browsers know. */
export interface Balancer {
  readonly origin: string;
  /** Which process answers the next call, by method and path. */
  choose: (call: string) => string;
  readonly close: () => void;
}

/** Starts a balancer on `localhost`, which to a browser is another site than `127.0.0.1`. */
export async function startBalancer(): Promise<Balancer> {
  const { server, origin, close } = await serve('localhost');
  const self: Balancer = {
    origin,
    choose: () => {
      throw new Error('Say who answers.');
    },
    close,
  };
  server.on('request', (req, res) => {
    const { method, url = '/', headers } = req;
    const target = self.choose(`${method} ${url}`);
    const onwards = request(target + url, { method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(res);
    });
    onwards.on('error', () => res.destroy());
    req.pipe(onwards);
  });
  return self;
}
