// Decides what extension servers read to know whom to believe: the CA of clients, the CA of the front proxy and the headers that
// it sends. Never holds a key.
import type { KubeObject } from '../../../../lib/api/object.ts';

export const FRONT_PROXY_NAME = 'front-proxy-client';
const NAME = 'extension-apiserver-authentication';
const READER = `${NAME}-reader`;
const RBAC = 'rbac.authorization.k8s.io';

export function frontProxyObjects(
  clientCaPem: string,
  requestHeaderCaPem: string,
): Array<{ collection: string; object: KubeObject }> {
  const list = (...values: string[]): string => JSON.stringify(values);
  const rbac = { apiVersion: `${RBAC}/v1`, metadata: { name: READER, namespace: 'kube-system' } };
  return [
    {
      collection: '/api/v1/namespaces/kube-system/configmaps',
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: NAME, namespace: 'kube-system' },
        data: {
          'client-ca-file': clientCaPem,
          'requestheader-allowed-names': list(FRONT_PROXY_NAME),
          'requestheader-client-ca-file': requestHeaderCaPem,
          'requestheader-extra-headers-prefix': list('X-Remote-Extra-'),
          'requestheader-group-headers': list('X-Remote-Group'),
          'requestheader-uid-headers': list('X-Remote-Uid'),
          'requestheader-username-headers': list('X-Remote-User'),
        },
      },
    },
    {
      collection: `/apis/${RBAC}/v1/namespaces/kube-system/roles`,
      object: {
        ...rbac,
        kind: 'Role',
        rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [NAME], verbs: ['get', 'list', 'watch'] }],
      },
    },
  ];
}
