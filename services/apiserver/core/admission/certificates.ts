// Decides in whose name a request for a certificate is made, and who may approve one. Never signs one.
import { parseCertificateRequest, type CertificateRequest } from '../../../../lib/api/certificate-request.ts';
import { invalidValue, type FieldError } from '../../../../lib/api/field-error.ts';
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

/** What a request is signed with tells that its sender holds the key. One that cannot be read was refused for that. */
export function certificateSignature(request: WriteRequest, object: KubeObject): FieldError[] {
  if (!isRequest(request) || request.signatureProblem === undefined) return [];
  const text: string = object['spec']?.request ?? '';
  const parsed = readable(text);
  const problem = parsed === undefined ? undefined : request.signatureProblem(parsed);
  return problem === undefined ? [] : [invalidValue('spec.request', text, problem)];
}

function readable(text: string): CertificateRequest | undefined {
  try {
    return parseCertificateRequest(text);
  } catch {
    return undefined;
  }
}

const API_CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const MASTERS = 'system:masters';

/** Who may do everything is made by hand: such a certificate could not be taken back by anyone. */
export function certificateSubject(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isRequest(request) || old !== undefined || object['spec']?.signerName !== API_CLIENT_SIGNER) return;
  if (parseCertificateRequest(object['spec'].request).organizations.includes(MASTERS))
    throw forbiddenBy(
      request.kind,
      object.metadata.name,
      `use of ${API_CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`,
    );
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
