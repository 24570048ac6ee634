// Decides nothing: the shape that all API objects share, and the behaviour that one kind adds to it. Never knows a kind.
import type { Converter } from './custom/conversion.ts';
import type { FieldError } from './field-error.ts';
import type { ObjectMeta } from './generated/types.ts';
import type { ScalePaths } from './scale.ts';

/** Any API object, decoded and with its nulls dropped. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: any;
}

/** The name formats of validation.md; `pathSegment` is RBAC's. */
export type NameRule = 'subdomain' | 'label' | 'label1035' | 'pathSegment' | 'ipAddress';

/** A table column: name, type, format, priority (1 = only with `-o wide`). */
export type Column = readonly [name: string, type: string, format: string, priority: number, description: string];

/** Of a whole row: how a client may show it. */
export interface RowCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/** How objects of this kind are kept when their stored form is another version, or another group's kind. */
export interface StoredForm {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  /** Asks a webhook: both may throw NeedsConversion. */
  readonly converter?: Converter | undefined;
  /** Neither changes what it is given. */
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

/**
 * What a kind may decide for itself; what it leaves out, the generic strategy does. All functions are pure but change the
 * object that they are given in place (never `old`).
 */
export interface KindBehaviour<T = any> {
  group: string;
  version: string;
  kind: string;
  nameRule?: NameRule;
  /** Counts spec changes in metadata.generation. */
  hasGeneration?: boolean;
  /** A PUT without resourceVersion is refused when false. */
  allowsUnconditionalUpdate?: boolean;
  /** The creator may set the status (a kubelet registers its node with one). */
  keepsStatusOnCreate?: boolean;
  /** A DELETE only begins an end of its own (Namespace, CRD): it has no grace, and no new generation. */
  endsInSteps?: boolean;
  /** DELETE answers with the object instead of a Status. */
  returnsDeletedObject?: boolean;
  /** Absent: as it is. One form of several versions is the stored one; the others say how they read as it. */
  storedAs?: StoredForm;
  /** Whoever uses this version is told so. */
  deprecationWarning?: string;
  /** Where the scale of a custom resource is. */
  scale?: ScalePaths;
  default?(object: T): void;
  validate?(object: T): FieldError[];
  /** What is forbidden at creation only. */
  validateCreate?(object: T): FieldError[];
  validateUpdate?(object: T, old: T): FieldError[];
  /** `approval`: of a signing request. */
  validateStatusUpdate?(object: T, old: T, part: 'status' | 'approval'): FieldError[];
  /** What stands, but its writer should know of. */
  warnings?(object: T): string[];
  prepareForCreate?(object: T): void;
  prepareForUpdate?(object: T, old: T): void;
  /** `time` is RFC 3339; `approval`: of a signing request. */
  prepareForStatusUpdate?(object: T, old: T, time: string, part: 'status' | 'approval'): void;
  /** A DELETE begins: finalizers and conditions that come with it. `time` is RFC 3339. */
  prepareForDelete?(object: T, time: string): void;
  columns?: readonly Column[];
  cells?(object: T, now: number): unknown[];
  /** Rows of a list do not stand in the order of their names. */
  rowOrder?(a: T, b: T): number;
  rowConditions?(object: T): readonly RowCondition[] | undefined;
  fields?: Record<string, (object: T) => string>;
  graceSeconds?(object: T, requestedSeconds: number | undefined): number;
}

/** Keeps the kind's own type inside its file and gives the table one type. */
export function defineKind<T>(behaviour: KindBehaviour<T>): KindBehaviour {
  return behaviour;
}
