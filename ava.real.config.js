// Tests of one part each with the real programs beside it (nats-server, containerd, nftables): each has names, ports and
// namespaces of its own, and mostly waits.
export default {
  extensions: ['ts'],
  files: ['**/*.real.test.ts', '!node_modules', '!dist'],
  workerThreads: false,
  concurrency: 2,
  serial: true,
  timeout: '600s',
};
