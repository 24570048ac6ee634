// Does: puts an answer into the bytes and headers of one HTTP response. Never decides what is answered.
import { stringify } from 'yaml';
import type { Form } from '../core/media-type.ts';
import type { Answer } from './call.ts';
import { includeOf, itemBytes, jsonBytes, listBytes, listTable } from './encode.ts';

export interface Rendered {
  code: number;
  contentType: string;
  bytes: Uint8Array;
  headers?: Record<string, string>;
}

export type FiniteAnswer = Exclude<Answer, { type: 'watch' } | { type: 'stream' }>;

export function render(answer: FiniteAnswer, now: number): Rendered {
  switch (answer.type) {
    case 'bytes':
      return answer;
    case 'object':
      return json(answer.code, jsonBytes(answer.body));
    case 'item': {
      const { item, kind, form, code } = answer;
      if (form.as !== 'table') return inForm(code, form, itemBytes(item, form));
      const page = { items: [item], revision: item.revision, continue: '', remaining: undefined };
      return json(code, jsonBytes(listTable(kind, page, 'Metadata', now)));
    }
    case 'list': {
      const { page, kind, form, code } = answer;
      if (form.as !== 'table') return inForm(code, form, listBytes(kind, page, form));
      return json(code, jsonBytes(listTable(kind, page, includeOf(answer.includeObject), now)));
    }
  }
}

function inForm(code: number, form: Form, bytes: Uint8Array): Rendered {
  if (form.mediaType === 'application/json') return json(code, bytes);
  const text = stringify(JSON.parse(new TextDecoder().decode(bytes)));
  return { code, contentType: form.mediaType, bytes: Buffer.from(text) };
}

function json(code: number, bytes: Uint8Array): Rendered {
  return { code, contentType: 'application/json', bytes };
}
