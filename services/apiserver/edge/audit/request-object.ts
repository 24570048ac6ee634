// Does: reads the object that a request's body holds, for the audit log: as upstream has it after decoding, with its defaults.
// Never validates it.
import { decodeValue, expectedOf } from '../../../../lib/api/decode.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { cloneJson } from '../../../../lib/base/clone.ts';
import type { ResourceRequest } from '../../core/request-info.ts';
import type { Call } from '../call.ts';

/** Throws where the body is none. `kind` is what it must be, where that is known. */
export function requestObjectOf(
  call: Call,
  info: ResourceRequest,
  kind: Kind | undefined,
): { value: unknown; name: string | undefined } {
  if (info.verb === 'patch') return { value: patchOf(call), name: undefined };
  if (info.verb === 'delete' || info.verb === 'deletecollection') return { value: optionsOf(call), name: undefined };
  const parsed = call.body.parse(kind?.ref.kind ?? '');
  const sent = parsed.value as Record<string, any> | null;
  const name: unknown = sent?.['metadata']?.name;
  const value = kind === undefined ? { ...sent } : defaulted(kind, sent);
  return { value, name: typeof name === 'string' && name !== '' ? name : undefined };
}

function defaulted(kind: Kind, sent: unknown): unknown {
  const { object } = decodeValue({ value: cloneJson(sent), duplicates: [] }, expectedOf(kind), 'Ignore');
  object.metadata ??= { name: '' };
  kind.default(object);
  return object;
}

/** Upstream has them in a form of its own by then, and says so. */
function optionsOf(call: Call): unknown {
  const {
    kind: _kind,
    apiVersion: _version,
    ...options
  } = call.body.parse('DeleteOptions').value as object & {
    kind?: unknown;
    apiVersion?: unknown;
  };
  return { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal', ...options };
}

function patchOf(call: Call): unknown {
  try {
    return call.body.parse('Patch', 'application/json').value;
  } catch {
    return call.body.parse('Patch', 'application/yaml').value;
  }
}
