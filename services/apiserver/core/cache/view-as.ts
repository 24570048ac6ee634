// Decides how a stored object reads as a kind whose stored form is another version. Never changes what is stored; a view is
// made once and kept as long as the object.
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { CachedObject } from './cached-object.ts';

const VIEWS = new WeakMap<CachedObject, Map<Kind, CachedObject>>();

export function viewAs(kind: Kind, item: CachedObject): CachedObject {
  if (kind.storedAs === undefined) return item;
  let views = VIEWS.get(item);
  const known = views?.get(kind);
  if (known !== undefined) return known;
  const object = kind.storedAs.fromStored(item.object);
  const view: CachedObject = object === item.object ? item : { ...item, object, encoded: undefined };
  if (views === undefined) VIEWS.set(item, (views = new Map()));
  views.set(kind, view);
  return view;
}

/** The form that goes to the store. */
export const storedForm = (kind: Kind, object: KubeObject): KubeObject => kind.storedAs?.toStored(object) ?? object;
