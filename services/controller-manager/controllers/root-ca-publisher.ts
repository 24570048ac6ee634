// Decides that every active namespace has the ConfigMap kube-root-ca.crt, by which pods trust the API server. Never looks
// at the certificate's validity.
import { RESOURCES } from '../../../lib/api/resource.ts';
import type { ConfigMap } from '../../../lib/api/generated/types.ts';
import { selfKey, type Controller, type Key, type KubeObject, type View } from '../../../lib/reconcile/controller.ts';
import { equalObjects } from '../../../lib/api/equality.ts';
import { updateOf } from '../core/actions.ts';

const NAME = 'kube-root-ca.crt';

/** `rootCa`: PEM. */
export function rootCaPublisher(rootCa: string): Controller {
  const data = { 'ca.crt': rootCa };
  return {
    name: 'root-ca-publisher',
    kind: 'Namespace',
    account: 'root-ca-cert-publisher',
    watches: [
      { ref: RESOURCES.namespaces, keys: selfKey },
      { ref: RESOURCES.configMaps, keys: namespaceOf },
    ],
    reconcile(view, { name: namespace }) {
      const home = view.get(RESOURCES.namespaces, '', namespace);
      if (home === undefined || home.metadata.deletionTimestamp !== undefined)
        return { actions: [], saw: 'no such Namespace, or it is ending' };
      const present = view.get<ConfigMap>(RESOURCES.configMaps, namespace, NAME);
      if (present === undefined) {
        const object = { metadata: { name: NAME, namespace }, data };
        return { actions: [{ type: 'create', ref: RESOURCES.configMaps, namespace, object }], saw: `no ${NAME}` };
      }
      if (equalObjects(present.data, data)) return { actions: [], saw: NAME, why: 'nothing to do' };
      return {
        actions: [updateOf(RESOURCES.configMaps, { ...present, data })],
        saw: `a ${NAME} that says something else`,
      };
    },
  };
}

function namespaceOf(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const object = (after ?? before)!;
  return object.metadata.name === NAME ? [{ namespace: '', name: object.metadata.namespace ?? '' }] : [];
}
