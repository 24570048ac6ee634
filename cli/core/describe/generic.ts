// Decides how any other object is described: its metadata, then its fields as an indented outline. Never shows what a
// Secret holds.
import { isRecord } from '../../../lib/base/records.ts';
import type { ObjectMeta } from '../../../lib/api/generated/types.ts';
import { annotationLines, mapLines } from './text.ts';

type Json = Record<string, unknown>;

export function configMapLines(object: { metadata?: ObjectMeta; data?: Record<string, string> }): string[] {
  const { metadata, data } = object;
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    '',
    'Data',
    '====',
    ...Object.entries(data ?? {}).flatMap(([key, value]) => [`${key}:`, '----', ...value.split('\n'), '']),
  ];
}

export function secretLines(object: { metadata?: ObjectMeta; type?: string; data?: Record<string, string> }): string[] {
  const { metadata, type, data } = object;
  const bytes = (text: string): number => Math.floor((text.replaceAll('=', '').length * 3) / 4);
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    '',
    `Type:\t${type ?? ''}`,
    '',
    'Data',
    '====',
    ...Object.entries(data ?? {}).map(([key, value]) => `${key}:\t${bytes(value)} bytes`),
  ];
}

export function genericLines(object: Json, namespaced: boolean): string[] {
  const { apiVersion, kind, metadata, ...rest } = object as Json & { metadata?: ObjectMeta };
  return [
    `Name:\t${metadata?.name}`,
    ...(namespaced ? [`Namespace:\t${metadata?.namespace}`] : []),
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    `API Version:\t${String(apiVersion)}`,
    `Kind:\t${String(kind)}`,
    ...outline(rest, ''),
  ];
}

function outline(value: Json, by: string): string[] {
  return Object.keys(value)
    .sort()
    .flatMap((key) => fieldLines(titleOf(key), value[key], by));
}

function fieldLines(title: string, value: unknown, by: string): string[] {
  if (Array.isArray(value))
    return [
      `${by}${title}:`,
      ...value.flatMap((item) => (isRecord(item) ? outline(item, `${by}  `) : [`${by}  ${String(item)}`])),
    ];
  if (isRecord(value)) return [`${by}${title}:`, ...outline(value, `${by}  `)];
  return [`${by}${title}:\t${String(value)}`];
}

/** `holderIdentity` reads as `Holder Identity`. */
function titleOf(key: string): string {
  const words = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
