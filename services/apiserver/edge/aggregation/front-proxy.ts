// Decides what extension servers read to know whom to believe: the CA of clients, the CA of the front proxy and the headers that
// it sends. Never holds a key.
import type { KubeObject } from '../../../../lib/api/object.ts';

const FRONT_PROXY_NAME = 'front-proxy-client';
const list = (...values: string[]): string => JSON.stringify(values);

/** `requestHeaderCaPem`: absent where nobody is told who asks. */
export const trustConfigMap = (clientCaPem: string, requestHeaderCaPem: string | undefined): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
  data: {
    'client-ca-file': clientCaPem,
    ...(requestHeaderCaPem === undefined ? {} : frontProxyData(requestHeaderCaPem)),
  },
});

const frontProxyData = (caPem: string): Record<string, string> => ({
  'requestheader-allowed-names': list(FRONT_PROXY_NAME),
  'requestheader-client-ca-file': caPem,
  'requestheader-extra-headers-prefix': list('X-Remote-Extra-'),
  'requestheader-group-headers': list('X-Remote-Group'),
  'requestheader-uid-headers': list('X-Remote-Uid'),
  'requestheader-username-headers': list('X-Remote-User'),
});
