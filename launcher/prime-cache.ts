// Does: loads once everything that the actors will load, so that their compile cache is full before a dozen processes
// start at once: each would strip and compile the same files, and hold 25 MiB more for as long as it lives. Never runs
// an actor.
import './run-actors.ts';
import { SERVICES } from '../services/index.ts';

await Promise.all(Object.values(SERVICES).map((load) => load()));
