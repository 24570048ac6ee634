// Decides how objects of a CRD with several versions read as another version when a webhook converts them: what must be asked,
// what of the answer is taken, what is wrong with it. Never asks: what is not known yet is thrown (`NeedsConversion`).
import { isRecord } from '../../base/records.ts';
import { ApiError } from '../../base/errors.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { messagesOf } from '../field-error.ts';
import type { KubeObject } from '../object.ts';
import type { Json } from './json-schema.ts';

export interface ConversionWebhook {
  clientConfig: {
    url?: string;
    service?: { namespace: string; name: string; path?: string; port?: number };
    caBundle?: string;
  };
  conversionReviewVersions: string[];
}

/** Versions of a ConversionReview that this server speaks, best first. */
const REVIEW_VERSIONS = ['v1'];
/** Text of converted objects that are not in the cache (writes in flight); what is more is asked again. */
const MOST_TEXT = 33_554_432;

/** Cannot go on before these objects are converted. */
export class NeedsConversion extends Error {
  readonly converter: Converter;
  readonly objects: readonly KubeObject[];
  readonly apiVersion: string;
  /** Known again by what they say: a plan makes its object anew each time. */
  readonly byText: boolean;

  constructor(converter: Converter, objects: readonly KubeObject[], apiVersion: string, byText: boolean) {
    super(`${objects.length} objects have not been converted to ${apiVersion} yet`);
    this.converter = converter;
    this.objects = objects;
    this.apiVersion = apiVersion;
    this.byText = byText;
  }
}

/** Conversions of one CRD. Holds each as long as its object; nobody may change what it gives. */
export class Converter {
  readonly webhook: ConversionWebhook;
  readonly #kind: string;
  /** What a version's schema makes of a converted object: unknown fields go, defaults come. */
  readonly #finish: ReadonlyMap<string, (object: KubeObject) => KubeObject>;
  readonly #views = new WeakMap<KubeObject, Map<string, KubeObject>>();
  readonly #sources = new WeakMap<KubeObject, KubeObject>();
  readonly #texts = new Map<string, KubeObject>();
  #textLength = 0;

  constructor(
    webhook: ConversionWebhook,
    kind: string,
    finish: ReadonlyMap<string, (object: KubeObject) => KubeObject>,
  ) {
    this.webhook = webhook;
    this.#kind = kind;
    this.#finish = finish;
  }

  /** Throws NeedsConversion. */
  as(object: KubeObject, apiVersion: string, byText = false): KubeObject {
    const known = this.#known(object, apiVersion, byText);
    if (known === undefined) throw new NeedsConversion(this, [object], apiVersion, byText);
    return known;
  }

  /** Those of `objects` that would have to be asked for, each once. */
  missing(objects: Iterable<KubeObject>, apiVersion: string): KubeObject[] {
    return [...new Set(objects)].filter((object) => this.#known(object, apiVersion, false) === undefined);
  }

  #known(object: KubeObject, apiVersion: string, byText: boolean): KubeObject | undefined {
    if (object.apiVersion === apiVersion) return object;
    const found = this.#views.get(object)?.get(apiVersion);
    if (found !== undefined) return found;
    const source = this.#sources.get(object);
    if (source?.apiVersion === apiVersion) return source;
    return byText ? this.#texts.get(textKey(object, apiVersion)) : undefined;
  }

  /** A ConversionReview without its answer. Throws when the webhook speaks no version that we do. */
  review(objects: readonly KubeObject[], apiVersion: string, uid: string): Json {
    const version = this.webhook.conversionReviewVersions.find((one) => REVIEW_VERSIONS.includes(one));
    if (version === undefined)
      throw new ApiError('', `no supported conversion review versions, the webhook has ${this.#versions()}`);
    return {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion: apiVersion, objects },
    };
  }

  #versions(): string {
    return this.webhook.conversionReviewVersions.join(', ');
  }

  /** Takes the webhook's answer to `needed`. Throws ApiError (500) with what is wrong about it, and then takes nothing. */
  accept({ objects, apiVersion, byText }: NeedsConversion, uid: string, answer: unknown): void {
    const about = this.#about(objects);
    const converted = convertedObjects(about, uid, answer);
    if (converted.length !== objects.length)
      throw failed(`${about} returned ${converted.length} objects, expected ${objects.length}`);
    const accepted = objects.map((object, i) =>
      this.#accepted(about, object, converted[i], apiVersion, objects.length > 1 ? i : undefined),
    );
    for (const [i, object] of objects.entries()) this.#keep(object, accepted[i]!, apiVersion, byText);
  }

  /** The webhook could not be asked. */
  failure(needed: NeedsConversion, why: string): ApiError {
    return failed(`${this.#about(needed.objects)} failed: ${why}`);
  }

  #about(objects: readonly KubeObject[]): string {
    const { apiVersion } = objects[0]!;
    return `conversion webhook for ${apiVersion}, Kind=${this.#kind}${objects.length > 1 ? 'List' : ''}`;
  }

  #accepted(about: string, object: KubeObject, given: unknown, apiVersion: string, at: number | undefined): KubeObject {
    const which = at === undefined ? '' : `converted object at index ${at}`;
    if (!isRecord(given)) throw failed(`${about} returned invalid ${which || 'object at index 0'}: it is no object`);
    if (given['apiVersion'] !== apiVersion)
      throw failed(
        `${about} returned invalid ${which || 'object at index 0'}: invalid groupVersion (expected ${apiVersion}, received ${said(given['apiVersion'])})`,
      );
    if (given['kind'] !== object.kind)
      throw failed(
        `${about} returned invalid ${which || 'object at index 0'}: invalid kind (expected ${object.kind}, received ${said(given['kind'])})`,
      );
    const foreign = foreignIdentity(object, given);
    if (foreign !== undefined) throw failed(`${about} returned invalid ${which || 'object'}: ${foreign}`);
    const metadata = restoredMetadata(object, given['metadata']);
    if (typeof metadata === 'string')
      throw failed(
        `${about} returned invalid metadata${at === undefined ? '' : ` in object at index ${at}`}: ${metadata}`,
      );
    const whole = { ...given, apiVersion, kind: object.kind, metadata } as unknown as KubeObject;
    return this.#finish.get(apiVersion)?.(whole) ?? whole;
  }

  #keep(object: KubeObject, converted: KubeObject, apiVersion: string, byText: boolean): void {
    const views = this.#views.get(object) ?? new Map<string, KubeObject>();
    this.#views.set(object, views.set(apiVersion, converted));
    this.#sources.set(converted, object);
    if (!byText) return;
    const key = textKey(object, apiVersion);
    if (this.#textLength + key.length > MOST_TEXT) {
      this.#texts.clear();
      this.#textLength = 0;
    }
    this.#texts.set(key, converted);
    this.#textLength += key.length;
  }
}

const textKey = (object: KubeObject, apiVersion: string): string => `${apiVersion} ${JSON.stringify(object)}`;
const failed = (message: string): ApiError => new ApiError('', message);
const said = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function convertedObjects(about: string, uid: string, answer: unknown): unknown[] {
  const fail = (why: string): ApiError => failed(`${about} failed: ${why}`);
  const { apiVersion, kind, response } = (isRecord(answer) ? answer : {}) as Json;
  if (kind !== 'ConversionReview' || apiVersion !== 'apiextensions.k8s.io/v1')
    throw fail(
      `expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${said(apiVersion)}, Kind=${said(kind)}`,
    );
  if (!isRecord(response)) throw fail('no response provided');
  if (response['uid'] !== uid)
    throw fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`);
  const result = (isRecord(response['result']) ? response['result'] : {}) as { status?: unknown; message?: unknown };
  if (result.status !== 'Success')
    throw fail(
      typeof result.message === 'string' && result.message !== ''
        ? result.message
        : `response.result.status was '${said(result.status)}', not 'Success'`,
    );
  const objects = response['convertedObjects'];
  return Array.isArray(objects) ? objects : [];
}

/** A conversion makes no other object of one. */
function foreignIdentity(object: KubeObject, given: Json): string | undefined {
  const own = (isRecord(given['metadata']) ? given['metadata'] : {}) as Record<string, unknown>;
  for (const [field, word] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const was = object.metadata[field] ?? '';
    const is = own[field] ?? '';
    if (was !== is) return `must have the same ${word}: ${was} != ${said(is)}`;
  }
  return undefined;
}

/** The object's own metadata with the labels and annotations of the answer; a text: what is wrong with those. */
function restoredMetadata(object: KubeObject, given: unknown): KubeObject['metadata'] | string {
  if (given === undefined) return 'missing metadata in converted object';
  if (!isRecord(given)) return `invalid metadata of type ${typeof given} in converted object`;
  const { labels: _labels, annotations: _annotations, ...metadata } = object.metadata;
  for (const field of ['labels', 'annotations'] as const) {
    const texts = given[field];
    if (texts === undefined || texts === null) continue;
    if (!isRecord(texts)) return `invalid metadata.${field} of type ${typeof texts} in converted object`;
    for (const [key, value] of Object.entries(texts))
      if (typeof value !== 'string')
        return `metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`;
    const wanted = texts as Record<string, string>;
    const errors =
      field === 'labels'
        ? validateLabels(wanted, 'metadata.labels')
        : validateAnnotations(wanted, 'metadata.annotations');
    if (errors.length > 0) return messagesOf(errors);
    (metadata as KubeObject['metadata'])[field] = wanted;
  }
  return metadata;
}
