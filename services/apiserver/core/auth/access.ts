// Decides whether a request may be made: the Node authorizer first, then RBAC, both over the present cache. Never
// authenticates and never looks at bodies.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ClusterCache } from '../cache/cluster-cache.ts';
import type { Attributes } from './attributes.ts';
import { authorizeNode, type NodeGraph } from './node-authorizer.ts';
import { RBAC_STREAMS, Rbac } from './rbac.ts';
import type { PolicyRule } from './rules.ts';
import { nodeOf, type User } from './user.ts';

export interface Verdict {
  allowed: boolean;
  /** Why, for an access review; why not, for a refusal. May be empty. */
  reason: string;
}

export class Access {
  readonly #cache: ClusterCache;
  readonly #graph: NodeGraph;
  #rbac: { key: number; rules: Rbac } | undefined;

  constructor(cache: ClusterCache) {
    this.#cache = cache;
    const pods = cache.resource('core/pods');
    this.#graph = {
      podsOn: (node) => pods.indexed([`node=${node}`]).map((pod) => pod.object),
      pod: (namespace, name) => pods.get(`${namespace}/${name}`)?.object,
      claim: (namespace, name) => cache.get({ stream: 'core/persistentvolumeclaims', namespace, name })?.object,
      attachment: (name) => cache.get({ stream: 'storage.k8s.io/volumeattachments', namespace: '', name })?.object,
    };
  }

  authorize(asked: Attributes): Verdict {
    const node = nodeOf(asked.user);
    const verdict = node === undefined ? undefined : authorizeNode(asked, node, this.#graph);
    if (verdict?.allowed === true) return { allowed: true, reason: '' };
    const why = this.rbac.allow(asked);
    if (why !== undefined) return { allowed: true, reason: why };
    return { allowed: false, reason: verdict?.reason ?? '' };
  }

  /** Those of roles only: what a node may do follows from its pods, which is no rule. */
  rulesFor(user: User, namespace: string): PolicyRule[] {
    return this.rbac.rulesFor(user, namespace);
  }

  /** Built anew when one of the four resources has changed. */
  get rbac(): Rbac {
    // Revisions only grow: so does their sum with every change.
    let key = 0;
    for (const stream of RBAC_STREAMS) key += this.#cache.resource(stream).lastRevision;
    if (this.#rbac?.key !== key) this.#rbac = { key, rules: this.#build() };
    return this.#rbac.rules;
  }

  #build(): Rbac {
    const [roles, clusterRoles, roleBindings, clusterRoleBindings] = RBAC_STREAMS.map((stream) =>
      this.#objects(stream),
    );
    return new Rbac({
      roles: roles!,
      clusterRoles: clusterRoles!,
      roleBindings: roleBindings!,
      clusterRoleBindings: clusterRoleBindings!,
    });
  }

  #objects(stream: string): KubeObject[] {
    return [...this.#cache.list(stream)].map((item) => item.object);
  }
}
