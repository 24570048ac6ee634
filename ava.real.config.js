// Tests with the real parts (nats-server, containerd, nftables, whole clusters): one file at a time, they share the machine.
export default {
  extensions: ['ts'],
  files: ['**/*.real.test.ts', 'test/e2e/**/*.test.ts', '!node_modules', '!dist'],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: '300s',
};
