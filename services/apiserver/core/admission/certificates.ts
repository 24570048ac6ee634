// Decides in whose name a request for a certificate is made, and who may approve one. Never signs one.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';

const GROUP = 'certificates.k8s.io';

const isRequest = ({ kind }: WriteRequest): boolean =>
  kind.ref.group === GROUP && kind.ref.resource === 'certificatesigningrequests';

/** Whatever the body says: who asks is who is logged in. */
export function certificateRequester(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isRequest(request) || old !== undefined) return;
  const { name, uid, groups, extra } = request.user;
  const { username: _1, uid: _2, groups: _3, extra: _4, ...spec } = object['spec'] ?? {};
  object['spec'] = {
    ...spec,
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined ? {} : { extra: structuredClone(extra) }),
  };
}

/** Needs `approve` on the signer, as well as the right to write `/approval`. */
export function certificateApproval(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isRequest(request) || old === undefined) return;
  const verb = { approval: 'approve', status: 'sign' }[request.info.subresource];
  if (verb === undefined) return;
  const signer: string = old['spec']?.signerName ?? '';
  const names = [signer, `${signer.split('/')[0]}/*`];
  const may = names.some((name) =>
    request.rbac.allow({
      user: request.user,
      verb,
      group: GROUP,
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    }),
  );
  if (may || request.user.groups.includes('system:masters')) return;
  throw forbiddenBy(
    request.kind,
    object.metadata.name,
    `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`,
  );
}
