// Decides whether an Event may stand, and what of it may change: events.k8s.io is strict, core is not. All is said of the core
// form, in which both are kept, as upstream does. Never converts one.
import { equalObjects } from '../equality.ts';
import { GoText, invalidValue, quoted, required, type FieldError } from '../field-error.ts';
import { dns1123Subdomain, longerThan, qualifiedName } from '../formats.ts';
import type { Event } from '../generated/types.ts';

/** Bytes of UTF-8. */
const MOST = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** What every Event must keep to. An old one names no reporter; one that says when it was must say who saw it. */
export function validateEvent(event: Event, reporterPath: 'reportingComponent' | 'reportingController'): FieldError[] {
  const of = event.metadata.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  const elsewhere = invalidValue('involvedObject.namespace', about, 'does not match event.namespace');
  if (event.eventTime === undefined) {
    const fits = about === '' ? ['', 'default'].includes(of) : about === of;
    return fits ? [] : [elsewhere];
  }
  const errors = about === '' && of !== 'default' && of !== 'kube-system' ? [elsewhere] : [];
  const reporter = event.reportingComponent ?? '';
  if (reporter === '') errors.push(required(reporterPath));
  errors.push(...qualifiedName(reporter).map((told) => invalidValue(reporterPath, reporter, told)));
  for (const [field, most] of Object.entries(MOST) as Array<[keyof typeof MOST, number]>) {
    const value = event[field] ?? '';
    if (value === '' && field !== 'message') errors.push(required(field));
    if (longerThan([value], most)) errors.push(invalidValue(field, '', `can have at most ${most} characters`));
  }
  return errors;
}

/** What else a new one of events.k8s.io must keep to. */
export function validateNewEvent(event: Event): FieldError[] {
  const { name = '' } = event.metadata;
  const { type = '', source } = event;
  const errors = dns1123Subdomain(name).map((told) => invalidValue('metadata.name', name, told));
  errors.push(...validateSeries(event));
  if (event.eventTime === undefined) errors.push(required('eventTime'));
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalidValue('type', '', `has invalid value: ${type}`));
  const unset = (path: string, isSet: boolean): void =>
    void (isSet && errors.push(invalidValue(path, '', 'needs to be unset')));
  unset('firstTimestamp', event.firstTimestamp !== undefined);
  unset('lastTimestamp', event.lastTimestamp !== undefined);
  unset('count', (event.count ?? 0) !== 0);
  unset('source', (source?.component ?? '') !== '' || (source?.host ?? '') !== '');
  return errors;
}

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalidValue('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime === undefined ? [required('series.lastObservedTime')] : []),
  ];
}

/** What may never change, in upstream's order: where it is told, what it is, how its value is printed. */
const FIXED: ReadonlyArray<[path: string, of: (event: Event) => unknown, printed: (value: any) => unknown]> = [
  ['involvedObject', (event) => event.involvedObject, reference],
  ['reason', ({ reason }) => reason, text],
  ['message', ({ message }) => message, text],
  ['source', (event) => event.source, source],
  ['firstTimestamp', ({ firstTimestamp }) => firstTimestamp, time],
  ['lastTimestamp', ({ lastTimestamp }) => lastTimestamp, time],
  ['count', ({ count }) => count ?? 0, (count) => count],
  // As upstream, which asks twice.
  ['reason', ({ reason }) => reason, text],
  ['type', ({ type }) => type, text],
  ['eventTime', ({ eventTime }) => eventTime, time],
  ['action', ({ action }) => action, text],
  ['related', ({ related }) => related, reference],
  ['reportingController', ({ reportingComponent }) => reportingComponent, text],
  ['reportingInstance', ({ reportingInstance }) => reportingInstance, text],
];

/** What of an Event a writer of events.k8s.io may not change. */
export function validateEventChange(event: Event, old: Event): FieldError[] {
  return [
    ...(equalObjects(event.series, old.series) ? [] : validateSeries(event)),
    ...FIXED.filter(([, of]) => !equalObjects(of(event) || undefined, of(old) || undefined)).map(
      ([path, of, printed]) => invalidValue(path, printed(of(event)), 'field is immutable'),
    ),
  ];
}

function text(value: string | undefined): string {
  return value ?? '';
}

function time(value: string | undefined): GoText {
  return GoText.time(value ?? '0001-01-01T00:00:00Z');
}

function reference(of: Record<string, string> | undefined): GoText | undefined {
  if (of === undefined) return undefined;
  const fields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
  const goName = (field: string): string =>
    ({ uid: 'UID', apiVersion: 'APIVersion' })[field] ?? field[0]!.toUpperCase() + field.slice(1);
  const told = fields.map((field) => `${goName(field)}:${quoted(of[field] ?? '')}`);
  return new GoText(`core.ObjectReference{${told.join(', ')}}`);
}

function source({ component = '', host = '' }: NonNullable<Event['source']> = {}): GoText {
  return new GoText(`core.EventSource{Component:${quoted(component)}, Host:${quoted(host)}}`);
}
