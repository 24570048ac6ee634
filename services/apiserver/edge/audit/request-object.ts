// Does: reads the object that a request's body holds, for the audit log. Never validates it.
import type { ResourceRequest } from '../../core/request-info.ts';
import type { Call } from '../call.ts';

/** Throws where the body is none. `kindName` is what a protobuf body must be. */
export function requestObjectOf(
  call: Call,
  info: ResourceRequest,
  kindName: string | undefined,
): { value: unknown; name: string | undefined } {
  if (info.verb === 'patch') return { value: patchOf(call), name: undefined };
  if (info.verb === 'delete' || info.verb === 'deletecollection')
    return { value: call.body.parse('DeleteOptions').value, name: undefined };
  const value = call.body.parse(kindName ?? '').value as Record<string, any> | null;
  const name: unknown = value?.['metadata']?.name;
  const apiVersion = info.group === '' ? info.version : `${info.group}/${info.version}`;
  const typed = info.subresource === '' && kindName !== undefined ? { kind: kindName, apiVersion } : {};
  return { value: { ...typed, ...value }, name: typeof name === 'string' && name !== '' ? name : undefined };
}

function patchOf(call: Call): unknown {
  try {
    return call.body.parse('Patch', 'application/json').value;
  } catch {
    return call.body.parse('Patch', 'application/yaml').value;
  }
}
