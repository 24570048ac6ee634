// Unit, property, story and simulation tests: everything that needs no other program.
const ROOMS = [
  'lib',
  'raft',
  'runtime-shims',
  'services',
  'launcher',
  'cli',
  'chaos',
  'test/borders',
  'test/sim',
  'test/conformance', 'test/fuzz',
  'test/kit',
];

export default {
  extensions: ['ts'],
  files: [...ROOMS.map((room) => `${room}/**/*.test.ts`), 'test/kubectl/story.test.ts', '!**/*.real.test.ts'],
  workerThreads: false,
  timeout: '600s',
};
