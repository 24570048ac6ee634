// Decides in which form an answer that is at hand as an object is told: as metadata, as a row, in YAML. Never looks at what is
// stored.
import { partialObjectMetadata, toTable } from '../../../lib/api/table.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { writeYaml } from '../../../lib/api/yaml.ts';
import { formOf, requireShape, type Form } from '../core/media-type.ts';
import type { Answer, Call } from './call.ts';
import { includeOf } from './encode.ts';
import type { FiniteAnswer } from './render.ts';

type ObjectAnswer = Extract<Answer, { type: 'object' }>;

/** Throws 406 where what is answered has no such form. */
export function inAskedForm(answer: ObjectAnswer, call: Pick<Call, 'accept' | 'query'>, now: number): FiniteAnswer {
  const { accept } = call;
  const mayBeOther = accept.includes('yaml') || (answer.kind !== undefined && accept.includes('as='));
  if (!mayBeOther) return answer;
  const form = formOf(accept);
  const body = shaped(answer, form, call, now);
  if (form.mediaType === 'application/yaml')
    return { type: 'bytes', code: answer.code, contentType: form.mediaType, bytes: yamlBytes(body), headers: {} };
  return body === answer.body ? answer : { type: 'object', code: answer.code, body };
}

function shaped({ body, kind }: ObjectAnswer, form: Form, { query }: Pick<Call, 'query'>, now: number): unknown {
  const object = body as KubeObject;
  if (kind === undefined || form.as === 'object' || object['kind'] === 'Status') return body;
  requireShape(form, kind, false);
  if (form.as === 'partial') return partialObjectMetadata(object, form.version);
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  const options = { now, includeObject: includeOf(query.get('includeObject')), metadata, version: form.version };
  return toTable(kind, [object], options);
}

/** Keys in order, lists as far out as their key, and quotes around what YAML 1.1 would read as a time. */
const AS_UPSTREAM = { version: '1.1', sortMapEntries: true, indentSeq: false, lineWidth: 0 } as const;

export const yamlBytes = (body: unknown): Uint8Array =>
  Buffer.from(writeYaml(JSON.parse(JSON.stringify(body)), AS_UPSTREAM));

/** Whether a refusal is told in YAML; what cannot be served is told in JSON. */
export function wantsYaml(accept: string): boolean {
  if (!accept.includes('yaml')) return false;
  try {
    return formOf(accept).mediaType === 'application/yaml';
  } catch {
    return false;
  }
}
