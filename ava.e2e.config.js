// Whole clusters, brought up and used as their owner would: one at a time, they share the machine.
export default {
  extensions: ['ts'],
  files: ['test/e2e/**/*.test.ts'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '600s',
};
