// Tests of whole clusters that are broken on purpose and watched: one at a time, they take a machine for minutes.
export default {
  extensions: ['ts'],
  files: [
    'test/chaos/**/*.test.ts',
    'test/store/**/*.test.ts',
    'test/trace/**/*.test.ts',
    'test/watches/**/*.test.ts',
    'test/kubectl/kubectl.test.ts',
    'test/kubectl/containers.test.ts',
    'test/clients/**/*.test.ts',
    'test/streams/**/*.test.ts',
    'test/side-by-side/**/*.test.ts',
  ],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '600s',
};
