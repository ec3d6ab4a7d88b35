export { type Demand, type NoFacts, type Pass, pass } from './outcome.ts';
