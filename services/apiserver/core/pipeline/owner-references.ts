// Decides which owners of an object are named twice: each is kept once, and whoever wrote them is told. Never asks whether an
// owner exists.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from './plan.ts';

const TOLD =
  'API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ';

/** `when`: of what a patch or admission made, as of what was sent. */
export function ownersOnce(request: WriteRequest, object: KubeObject, when: 'sent' | 'admitted'): void {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length < 2) return;
  const isAgain = owners.map((owner, i) => owners.slice(0, i).some((other) => equalObjects(other, owner)));
  if (!isAgain.includes(true)) return;
  object.metadata.ownerReferences = owners.filter((_, i) => !isAgain[i]);
  const after = when === 'admitted' ? ' after mutating admission happens' : '';
  const found = `.metadata.ownerReferences contains duplicate entries${after}`;
  request.warn?.(`${found}; ${TOLD}${owners.flatMap(({ uid }, i) => (isAgain[i] ? [uid] : [])).join(', ')}`);
}
