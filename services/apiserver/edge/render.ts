// Does: puts an answer into the bytes and headers of one HTTP response. Never decides what is answered.
import type { Form } from '../core/media-type.ts';
import { yamlBytes } from './answer-form.ts';
import type { Answer } from './call.ts';
import { includeOf, itemBytes, jsonBytes, listPieces, tablePieces, yamlPieces } from './encode.ts';
import type { Piece } from './part-maker.ts';

interface RenderedHead {
  code: number;
  contentType: string;
  headers?: Record<string, string>;
}

export interface RenderedWhole extends RenderedHead {
  bytes: Uint8Array;
}

/** A list is made while it is sent: all of it at once might be hundreds of MiB, and nobody else would be served meanwhile. */
export interface RenderedPieces extends RenderedHead {
  pieces: IterableIterator<Piece>;
}

export type Rendered = RenderedWhole | RenderedPieces;

export type FiniteAnswer = Exclude<Answer, { type: 'watch' } | { type: 'stream' } | { type: 'proxy' }>;

export function render(answer: FiniteAnswer, now: number): Rendered {
  switch (answer.type) {
    case 'bytes':
      return answer;
    case 'object':
      return json(answer.code, answer.text ?? jsonBytes(answer.body));
    case 'item': {
      const { item, kind, form, code } = answer;
      if (form.as !== 'table') return inForm(code, form, itemBytes(item, form));
      const page = { items: [item], revision: item.revision, continue: '', remaining: undefined };
      return inTableForm(code, form, tablePieces(kind, page, includeOf(answer.includeObject), now, form.version));
    }
    case 'list': {
      const { page, kind, form, code } = answer;
      if (form.as === 'table')
        return inTableForm(code, form, tablePieces(kind, page, includeOf(answer.includeObject), now, form.version));
      const pieces =
        form.mediaType === 'application/yaml' ? yamlPieces(kind, page, form) : listPieces(kind, page, form);
      return { code, contentType: form.mediaType, pieces };
    }
  }
}

function inForm(code: number, form: Form, bytes: Uint8Array): Rendered {
  if (form.mediaType === 'application/json') return json(code, bytes);
  return { code, contentType: form.mediaType, bytes: yamlBytes(JSON.parse(new TextDecoder().decode(bytes))) };
}

/** Hardly anybody wants rows in YAML: they are made all at once. */
function inTableForm(code: number, form: Form, pieces: IterableIterator<Piece>): Rendered {
  if (form.mediaType === 'application/json') return { code, contentType: form.mediaType, pieces };
  return inForm(code, form, Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece))));
}

function json(code: number, bytes: Uint8Array): Rendered {
  return { code, contentType: 'application/json', bytes };
}
