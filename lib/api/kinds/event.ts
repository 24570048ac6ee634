// Decides what an Event is, in its two shapes: core's and events.k8s.io's are one stored object. Never counts or expires one.
import { ageOf } from '../age.ts';
import type { Event, EventsV1Event } from '../generated/types.ts';
import { defineKind, type KindBehaviour, type KubeObject } from '../object.ts';
import { validateEvent, validateEventChange, validateNewEvent } from './event-rules.ts';

interface Line {
  first: string | undefined;
  last: string | undefined;
  count: number;
}

/** Series count from the first time; single events have none. */
function times({ firstTimestamp, lastTimestamp, eventTime, series, count }: Event): Line {
  const first = firstTimestamp ?? eventTime;
  if (series !== undefined) return { first, last: series.lastObservedTime, count: series.count ?? 0 };
  return { first, last: lastTimestamp ?? first, count: count || 1 };
}

function lineOf(event: Event, now: number): unknown[] {
  const { first, last, count } = times(event);
  const { involvedObject: about, source } = event;
  return [
    ageOf(last, now),
    event.type ?? '',
    event.reason ?? '',
    about.name ? `${(about.kind ?? '').toLowerCase()}/${about.name}` : (about.kind ?? '').toLowerCase(),
    about.fieldPath ?? '',
    sourceText(source?.component || event.reportingComponent || '', source?.host || event.reportingInstance || ''),
    (event.message ?? '').trim(),
    ageOf(first, now),
    count,
    event.metadata.name,
  ];
}

const sourceText = (component: string, host: string): string => (host === '' ? component : `${component}, ${host}`);

/** events.k8s.io's shape of a stored (core) event. */
export function toEventsV1(event: Event): EventsV1Event {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...rest } = event;
  return {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    note: message,
    regarding: involvedObject,
    reportingController: reportingComponent,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
  } as EventsV1Event;
}

/** The inverse: the shape that is stored. */
export function fromEventsV1(event: EventsV1Event): Event {
  const {
    regarding,
    note,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...rest
  } = event;
  return {
    ...rest,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    message: note,
    source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    reportingComponent: reportingController,
  } as Event;
}

const about =
  (field: string): ((event: Event) => string) =>
  (event) =>
    (event.involvedObject as Record<string, string | undefined>)[field] ?? '';

const coreEvent = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  nameRule: 'pathSegment',
  validate: (object) => validateEvent(object, 'reportingComponent'),
  cells: lineOf,
  fields: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => [
        `involvedObject.${field}`,
        about(field),
      ]),
    ),
    reason: (object) => object.reason ?? '',
    reportingComponent: (object) => object.reportingComponent ?? '',
    source: (object) => object.source?.component || object.reportingComponent || '',
    type: (object) => object.type ?? '',
  },
});

const eventsV1Event = defineKind<EventsV1Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  storedAs: {
    group: '',
    version: 'v1',
    resource: 'events',
    toStored: (object) => fromEventsV1(object as unknown as EventsV1Event) as unknown as KubeObject,
    fromStored: (object) => toEventsV1(object as unknown as Event) as unknown as KubeObject,
  },
  validate: (object) => validateEvent(fromEventsV1(object), 'reportingController'),
  validateCreate: (object) => validateNewEvent(fromEventsV1(object)),
  validateUpdate: (object, old) => validateEventChange(fromEventsV1(object), fromEventsV1(old)),
  cells: (object, now) => lineOf(fromEventsV1(object), now),
  fields: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => [
        `regarding.${field}`,
        (object: EventsV1Event) => (object.regarding as Record<string, string | undefined> | undefined)?.[field] ?? '',
      ]),
    ),
    reason: (object) => object.reason ?? '',
    reportingController: (object) => object.reportingController ?? '',
    type: (object) => object.type ?? '',
  },
});

export const events: readonly KindBehaviour[] = [coreEvent, eventsV1Event];
