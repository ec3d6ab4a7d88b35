export { factsOf } from './admitted-facts.ts';
