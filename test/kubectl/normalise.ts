// Does: replaces what differs from run to run (ages, times, uids, addresses, generated names) by its name, so that what
// kubectl prints can be compared as text. Never hides a word.

const HASH = '[bcdfghjklmnpqrstvwxz2456789]';

/** In order: a later rule sees what an earlier one left. */
const RULES: ReadonlyArray<[RegExp, string]> = [
  [/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>'],
  [/((?:resourceVersion"?: "?)|(?:Resource Version: +))\d+/g, '$1<rv>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC/g, '<time>'],
  [/\b\w+:\/\/[\da-f]{40,64}\b/g, '<container>'],
  [/\bX509SHA256=[\da-f]{64}\b/g, 'X509SHA256=<hash>'],
  [/\bkube-api-access-\w{5}\b/g, 'kube-api-access-<id>'],
  // klog's head: when, by which process.
  [/\b[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ /g, '<klog> '],
  // Addresses that a story writes itself are of the ranges for documentation, and stay.
  [/\b(?!(?:192\.0\.2|198\.51\.100|203\.0\.113)\.|0\.0\.0\.0|127\.0\.0\.1\b)\d{1,3}(?:\.\d{1,3}){3}\b/g, '<ip>'],
  // Where the play has its files.
  [/\/\S+\/plays\/\{ns\}/g, '<folder>'],
  // The API's own address and port.
  [/https:\/\/(?:127\.0\.0\.1|localhost):\d+/g, 'https://<server>'],
  [/("serverAddress":")127\.0\.0\.1:\d+/g, '$1<server>'],
  [new RegExp(`-${HASH}{8,10}-${HASH}{5}\\b`, 'g'), '-<hash>-<id>'],
  [new RegExp(`((?:web|app)\\w*)-${HASH}{8,10}\\b`, 'g'), '$1-<hash>'],
  [new RegExp(`((?:web|app)\\w*)-${HASH}{5}\\b`, 'g'), '$1-<id>'],
  [new RegExp(`(pod-template-hash(?:=|"?: "?))${HASH}{8,10}\\b`, 'g'), '$1<hash>'],
  [/\b3\d{4}\/(TCP|UDP)/g, '<nodeport>/$1'],
  [/(nodePort"?: )3\d{4}/g, '$1<nodeport>'],
  [/(?<=^|[ \t(])(?<!cpu: *)(?:\d+[dhms]){1,2}(?= *$|[ \t]{2,}| ago| \(x|\))/gm, '<age>'],
  [/<invalid>(?= *$)/gm, '<age>'],
];

/** `namespace` is the story's own. */
export function normalise(text: string, namespace: string): string {
  const named = RULES.reduce(
    (rest, [pattern, name]) => rest.replaceAll(pattern, name),
    text.replaceAll(namespace, '{ns}'),
  );
  return named.split('\n').map(squeeze).join('\n').trimEnd();
}

/** Columns are as wide as their widest cell, which may be one of those names: only that there is a gap counts. */
const squeeze = (line: string): string => {
  const indent = /^ */.exec(line)![0];
  return `${indent}${line.slice(indent.length).replaceAll(/ {2,}/g, '  ')}`.trimEnd();
};
