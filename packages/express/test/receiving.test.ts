import { createServer } from 'node:http';
import { testSlowBodies } from '@apisec/conformance/slow-bodies';
import { secure } from '@apisec/express';
import express5 from 'express';
import express4 from 'express4';

const versions = [
  ['Express 5', express5],
  // The types of Express 5 fit what is called here of Express 4.
  ['Express 4', express4 as unknown as typeof express5],
] as const;

for (const [name, express] of versions) {
  testSlowBodies({
    name,
    start: (admission) => {
      const app = express();
      app.use(secure(admission), express.json());
      app.all('/orders', (req, res) => void res.json(req.body ?? null));
      return createServer(app);
    },
  });
}
