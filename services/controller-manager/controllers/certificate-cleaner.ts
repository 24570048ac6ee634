// Decides when a request for a certificate has served: an hour after it was answered, or a day
// after it was asked. Never revokes a certificate.
import { toTime } from '../../../lib/base/clock.ts';
import { selfKey, type Controller } from '../../../lib/reconcile/controller.ts';
import { deletionOf } from '../core/actions.ts';
import { SIGNING_REQUESTS, type SigningRequest } from './certificate-signing.ts';

const ANSWERED_MS = 3_600_000;
const PENDING_MS = 24 * 3_600_000;
/** An answer says when; a request that nobody answered, when it was made. */
const ANSWERS = ['Approved', 'Denied', 'Failed'];

export const certificateCleaner: Controller = {
  name: 'certificate-cleaner',
  kind: 'CertificateSigningRequest',
  account: 'certificate-controller',
  watches: [{ ref: SIGNING_REQUESTS, keys: selfKey }],
  reconcile(view, { name }, now) {
    const object = view.get<SigningRequest>(SIGNING_REQUESTS, '', name);
    if (object === undefined) return { actions: [], saw: 'no such request' };
    const endMs = endOf(object);
    if (endMs === undefined) return { actions: [], saw: 'approved, not issued' };
    if (now < endMs) return { actions: [], saw: `served until ${toTime(endMs)}`, againInMs: endMs - now };
    return { actions: [deletionOf(SIGNING_REQUESTS, object)], saw: `served until ${toTime(endMs)}` };
  },
};

/** Approved ones stay until somebody has signed them: their signer may be away for a day. */
function endOf(object: SigningRequest): number | undefined {
  const answers = (object.status?.conditions ?? []).filter(({ type }) => ANSWERS.includes(type));
  if (answers.length === 0) return Date.parse(object.metadata.creationTimestamp ?? '') + PENDING_MS;
  const isOpen = answers.every(({ type }) => type === 'Approved') && (object.status?.certificate ?? '') === '';
  if (isOpen) return undefined;
  const asked = object.metadata.creationTimestamp ?? '';
  return Math.min(...answers.map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? asked))) + ANSWERED_MS;
}
