// Unit, property, story and simulation tests: everything that lives beside the code and needs no other process.
export default {
  extensions: ['ts'],
  files: ['lib/**/*.test.ts', 'raft/**/*.test.ts', 'services/**/*.test.ts', 'runtime-shims/**/*.test.ts', 'launcher/**/*.test.ts', 'cli/**/*.test.ts', 'test/borders/**/*.test.ts', 'test/sim/**/*.test.ts', 'test/conformance/**/*.test.ts'],
  workerThreads: false,
  timeout: '120s',
};
