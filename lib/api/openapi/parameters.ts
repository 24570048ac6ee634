// Decides what each parameter of an operation is called, where it stands and what type it has. Never decides which operation
// takes it (operations.ts does).

export interface Parameter {
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

const query = (type: Parameter['type'], description: string): Parameter => ({ in: 'query', type, description });
const path = (description: string): Parameter => ({ in: 'path', type: 'string', description });

/** By name; one that means another thing beside a subresource stands under `subresource.name`. */
const PARAMETERS: Readonly<Record<string, Parameter>> = {
  name: path('name of the object'),
  namespace: path('the namespace of the object'),
  wholePath: path('what follows the proxy in the path'),
  pretty: query(
    'string',
    'Whether the answer is indented. Default: only for those who read it in a terminal or a browser.',
  ),
  allowWatchBookmarks: query(
    'boolean',
    'Whether a watch may tell now and then how far it is. Ignored where nothing is watched.',
  ),
  continue: query(
    'string',
    'Where the page before ended, as it said itself. When that is too long ago, the answer is 410 with another place.',
  ),
  fieldSelector: query('string', 'Only objects whose fields are so. Default: all.'),
  labelSelector: query('string', 'Only objects whose labels are so. Default: all.'),
  limit: query('integer', 'How many objects a page has at most; the answer says where the next one begins.'),
  resourceVersion: query('string', 'How new the answer must be, or after what a watch begins.'),
  resourceVersionMatch: query('string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  sendInitialEvents: query(
    'boolean',
    'Whether a watch tells what is there first, and then with a bookmark that this was all.',
  ),
  timeoutSeconds: query('integer', 'After how many seconds a list is given up, or a watch ended.'),
  watch: query('boolean', 'Whether changes are told as they come instead of a list.'),
  dryRun: query('string', 'All: everything is done but the writing itself.'),
  fieldManager: query('string', 'Who makes the change, at most 128 characters; needed for server-side apply.'),
  fieldValidation: query(
    'string',
    'What becomes of fields that are unknown or there twice: Ignore, Warn (the default) or Strict.',
  ),
  force: query('boolean', 'Whether a server-side apply takes fields that others own and see otherwise.'),
  gracePeriodSeconds: query(
    'integer',
    'How many seconds the object has for its end; 0: it goes at once. Default: its own.',
  ),
  ignoreStoreReadErrorWithClusterBreakingPotential: query(
    'boolean',
    'Whether an object that cannot be read any more is taken away regardless.',
  ),
  orphanDependents: query('boolean', 'The older form of propagationPolicy: whether what the object owns stays.'),
  propagationPolicy: query('string', 'What becomes of what the object owns: Orphan, Background or Foreground.'),
  container: query('string', 'Which container is meant. Default: the only one.'),
  command: query('string', 'What is run, once for each word; no shell reads it.'),
  stdin: query('boolean', 'Whether input goes there. Default: no.'),
  stdout: query('boolean', 'Whether output comes from there. Default: yes.'),
  stderr: query('boolean', 'Whether error output comes from there. Default: yes.'),
  tty: query('boolean', 'Whether it has a terminal. Default: no.'),
  ports: query('integer', 'Which ports are forwarded; needed over WebSocket.'),
  path: query('string', 'The path that is asked for there.'),
  follow: query('boolean', 'Whether new lines are told as they come. Default: no.'),
  insecureSkipTLSVerifyBackend: query('boolean', 'Whether the certificate of the kubelet is taken unseen.'),
  limitBytes: query('integer', 'After how many bytes it ends.'),
  previous: query('boolean', 'Whether the container before the present one is meant. Default: no.'),
  sinceSeconds: query('integer', 'Only lines that are no older than that.'),
  stream: query('string', 'All, Stdout or Stderr. Default: All.'),
  tailLines: query('integer', 'How many of the last lines are told. Default: all.'),
  timestamps: query('boolean', 'Whether each line begins with its time. Default: no.'),
};

export function parameterOf(name: string): Parameter {
  const found = PARAMETERS[name];
  if (found === undefined) throw new Error(`no parameter of operations is called ${name}: add it to PARAMETERS`);
  return found;
}

/** What a parameter is called in a request: the rest of a path and a query for one have the same name. */
export const nameInRequest = (name: string): string => (name === 'wholePath' ? 'path' : name);

export const LIST = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
];
export const WRITE = ['dryRun', 'fieldManager', 'fieldValidation'];
export const PATCH = [...WRITE, 'force'];
export const DELETE = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
export const DELETE_COLLECTION = [
  ...new Set([...DELETE, ...LIST.filter((name) => name !== 'watch' && name !== 'allowWatchBookmarks')]),
].toSorted();

const STREAMS = ['stderr', 'stdin', 'stdout', 'tty'];
/** Of what is no object: streams to containers, logs, proxies. */
export const OF_SUBRESOURCE: Readonly<Record<string, readonly string[]>> = {
  attach: ['container', ...STREAMS],
  exec: ['command', 'container', ...STREAMS],
  portforward: ['ports'],
  proxy: ['path'],
  log: [
    'container',
    'follow',
    'insecureSkipTLSVerifyBackend',
    'limitBytes',
    'pretty',
    'previous',
    'sinceSeconds',
    'stream',
    'tailLines',
    'timestamps',
  ],
};
