// Decides which resource a word means (plural, singular, short name, kind, with group and version) from what the server
// says it serves, and how arguments name objects. Never asks the server.

/** One resource as the server's discovery tells it. */
export interface ServedResource {
  group: string;
  version: string;
  resource: string;
  kind: string;
  singular: string;
  shortNames: string[];
  categories: string[];
  namespaced: boolean;
  verbs: string[];
  subresources: string[];
}

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Served resources in the server's order of preference. */
export class ResourceIndex {
  readonly all: readonly ServedResource[];

  constructor(all: readonly ServedResource[]) {
    this.all = all;
  }

  /** `po`, `pod`, `pods`, `Pod`, `deployments.apps`, `deployments.v1.apps`. */
  find(word: string): ServedResource {
    const [name = '', ...rest] = word.toLowerCase().split('.');
    const suffix = rest.join('.');
    const found = this.all.find((each) => meansResource(each, name) && fits(each, suffix));
    if (found === undefined) throw new UsageError(`the server doesn't have a resource type "${word}"`);
    return found;
  }

  byKind(group: string, version: string, kind: string): ServedResource | undefined {
    return this.all.find((each) => each.group === group && each.version === version && each.kind === kind);
  }

  /** Several words with commas; `all` and other categories stand for their members. */
  findMany(words: string): ServedResource[] {
    return words.split(',').flatMap((word) => {
      const members = this.all.filter((each) => each.categories.includes(word) && each.verbs.includes('list'));
      return members.length > 0 ? members : [this.find(word)];
    });
  }
}

function meansResource(each: ServedResource, name: string): boolean {
  return (
    each.resource === name ||
    each.singular === name ||
    each.kind.toLowerCase() === name ||
    each.shortNames.includes(name)
  );
}

function fits(each: ServedResource, suffix: string): boolean {
  return (
    suffix === '' ||
    suffix === each.group ||
    suffix === `${each.version}.${each.group}` ||
    (each.group === '' && suffix === each.version)
  );
}

/** `deployment.apps`, `pod`: how messages name a kind. */
export function kindText(resource: Pick<ServedResource, 'group' | 'singular' | 'kind'>): string {
  const singular = resource.singular === '' ? resource.kind.toLowerCase() : resource.singular;
  return resource.group === '' ? singular : `${singular}.${resource.group}`;
}

/** What the arguments of a command name: one resource with no, one or several objects of it. */
export interface Target {
  resource: ServedResource;
  /** undefined: all of them. */
  name: string | undefined;
}

const MIXED =
  "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'flotilla get resource/<resource_name>' instead of 'flotilla get resource resource/<resource_name>'";

/** `pods`, `pods a b`, `pod/a svc/b`, `pods,services`. */
export function parseTargets(words: readonly string[], index: ResourceIndex): Target[] {
  if (words.length === 0) throw new UsageError('You must specify the type of resource');
  if (words.some((word) => word.includes('/'))) {
    if (!words.every((word) => word.includes('/'))) throw new UsageError(MIXED);
    return words.map((word) => slashTarget(word, index));
  }
  const [types, ...names] = words as [string, ...string[]];
  const resources = index.findMany(types);
  if (names.length === 0) return resources.map((resource) => ({ resource, name: undefined }));
  return resources.flatMap((resource) => names.map((name) => ({ resource, name })));
}

function slashTarget(word: string, index: ResourceIndex): Target {
  const parts = word.split('/');
  const [type = '', name = ''] = parts;
  if (parts.length !== 2 || type === '' || name === '')
    throw new UsageError('arguments in resource/name form must have a single resource and name');
  return { resource: index.find(type), name };
}
