// Decides that every active namespace has a ServiceAccount `default`, which pods run as unless they say otherwise. Never
// changes one that is there.
import { RESOURCES } from '../../../lib/api/resource.ts';
import { selfKey, type Controller, type Key, type KubeObject, type View } from '../../../lib/reconcile/controller.ts';

const NAME = 'default';

export const serviceaccount: Controller = {
  name: 'serviceaccount',
  kind: 'Namespace',
  account: 'service-account-controller',
  watches: [
    { ref: RESOURCES.namespaces, keys: selfKey },
    { ref: RESOURCES.serviceAccounts, keys: namespaceOfLost },
  ],
  reconcile(view, { name: namespace }) {
    const home = view.get(RESOURCES.namespaces, '', namespace);
    if (home === undefined || home.metadata.deletionTimestamp !== undefined)
      return { actions: [], saw: 'no such Namespace, or it is ending' };
    if (view.get(RESOURCES.serviceAccounts, namespace, NAME) !== undefined)
      return { actions: [], saw: 'a ServiceAccount default', why: 'nothing to do' };
    const object = { metadata: { name: NAME, namespace } };
    return {
      actions: [{ type: 'create', ref: RESOURCES.serviceAccounts, namespace, object }],
      saw: 'no ServiceAccount default',
    };
  },
};

function namespaceOfLost(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const isLost = after === undefined && before?.metadata.name === NAME;
  return isLost ? [{ namespace: '', name: before.metadata.namespace ?? '' }] : [];
}
