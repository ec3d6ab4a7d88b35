import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6, type ListenOptions } from 'node:net';
import {
  type Admission,
  type Denial,
  type Duration,
  type GraphqlFacts,
  httpMediaType,
} from '@apisec/core';
