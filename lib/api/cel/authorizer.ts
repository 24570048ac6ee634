// Decides what an expression may ask about who may do what: `authorizer` and its checks, in Kubernetes' words. Never decides the
// answer: who made the variable does, at once and from what it knows.
import type { Environment } from '@marcbachmann/cel-js';
import { dns1123Label, dns1123Subdomain } from '../formats.ts';

/** What one check asks; '' with a path, except for the verb. */
export interface AuthorizationQuestion {
  /** Of whom; undefined: of the one who makes the request. */
  serviceAccount?: { namespace: string; name: string };
  verb: string;
  path?: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector: string;
}

export interface AuthorizationAnswer {
  allowed: boolean;
  reason: string;
}

/** Throws when it cannot be said: the decision then tells the error. */
export type Authorize = (asked: AuthorizationQuestion) => AuthorizationAnswer;

type Asked = Omit<AuthorizationQuestion, 'verb'>;

const NOTHING: Asked = { group: '', resource: '', subresource: '', namespace: '', name: '', fieldSelector: '' };

class Check {
  readonly #authorize: Authorize;
  readonly #asked: Asked;

  constructor(authorize: Authorize, asked: Asked) {
    this.#authorize = authorize;
    this.#asked = asked;
  }

  with(more: Partial<Asked>): Asked {
    return { ...this.#asked, ...more };
  }

  get authorize(): Authorize {
    return this.#authorize;
  }

  decide(verb: string): Decision {
    try {
      return new Decision(this.#authorize({ ...this.#asked, verb }), '');
    } catch (error) {
      return new Decision({ allowed: false, reason: '' }, error instanceof Error ? error.message : String(error));
    }
  }
}

class PathCheck extends Check {}
class GroupCheck extends Check {}
class ResourceCheck extends Check {}

class Decision {
  readonly answer: AuthorizationAnswer;
  readonly error: string;

  constructor(answer: AuthorizationAnswer, error: string) {
    this.answer = answer;
    this.error = error;
  }
}

/** The variable `authorizer`; its field `requestResource` is what the request is about. */
export class Authorizer extends Check {
  readonly requestResource: ResourceCheck;

  constructor(authorize: Authorize, request: Partial<Asked>, account?: AuthorizationQuestion['serviceAccount']) {
    const asked = account === undefined ? NOTHING : { ...NOTHING, serviceAccount: account };
    super(authorize, asked);
    this.requestResource = new ResourceCheck(authorize, { ...asked, ...request });
  }
}

const PACKAGE = 'kubernetes.authorization';
const TYPES = { Authorizer, PathCheck, GroupCheck, ResourceCheck, Decision };
const FIELDS: Record<string, Record<string, string>> = { Authorizer: { requestResource: `${PACKAGE}.ResourceCheck` } };
/** In this order: the field of the first is of the second's type. */
const ORDER = ['ResourceCheck', 'Authorizer', 'PathCheck', 'GroupCheck', 'Decision'] as const;

export const AUTHORIZER_TYPE = `${PACKAGE}.Authorizer`;

const refuse = (message: string): never => {
  throw new Error(message);
};

const narrowed =
  (field: keyof Asked) =>
  (check: ResourceCheck, value: string): ResourceCheck =>
    new ResourceCheck(check.authorize, check.with({ [field]: value }));

const decided = (check: Check, verb: string): Decision => check.decide(verb);

/** Receiver and parameters to what it does; types are of the package. */
const FUNCTIONS: Record<string, (...args: any[]) => unknown> = {
  'Authorizer.path(string): PathCheck': (authorizer: Authorizer, path: string) =>
    path.trim() === ''
      ? refuse('path must not be empty')
      : new PathCheck(authorizer.authorize, authorizer.with({ path })),
  'Authorizer.group(string): GroupCheck': (authorizer: Authorizer, group: string) =>
    new GroupCheck(authorizer.authorize, authorizer.with({ group })),
  'Authorizer.serviceAccount(string, string): Authorizer': serviceAccount,
  'GroupCheck.resource(string): ResourceCheck': (check: GroupCheck, resource: string) =>
    resource.trim() === ''
      ? refuse('resource must not be empty')
      : new ResourceCheck(check.authorize, check.with({ resource })),
  'ResourceCheck.subresource(string): ResourceCheck': narrowed('subresource'),
  'ResourceCheck.namespace(string): ResourceCheck': narrowed('namespace'),
  'ResourceCheck.name(string): ResourceCheck': narrowed('name'),
  'ResourceCheck.fieldSelector(string): ResourceCheck': narrowed('fieldSelector'),
  // No authorizer here looks at the labels that a list is restricted to.
  'ResourceCheck.labelSelector(string): ResourceCheck': (check: ResourceCheck) => check,
  'ResourceCheck.check(string): Decision': decided,
  'PathCheck.check(string): Decision': decided,
  'Decision.allowed(): bool': ({ answer }: Decision) => answer.allowed,
  'Decision.reason(): string': ({ answer }: Decision) => answer.reason,
  'Decision.errored(): bool': ({ error }: Decision) => error !== '',
  'Decision.error(): string': ({ error }: Decision) => error,
};

function serviceAccount(authorizer: Authorizer, namespace: string, name: string): Authorizer {
  if (dns1123Subdomain(name).length > 0) return refuse('Invalid service account name');
  if (dns1123Label(namespace).length > 0) return refuse('Invalid service account namespace');
  return new Authorizer(authorizer.authorize, {}, { namespace, name });
}

export function registerAuthorizer(environment: Environment): Environment {
  for (const name of ORDER)
    environment.registerType(`${PACKAGE}.${name}`, { ctor: TYPES[name] as never, fields: FIELDS[name] ?? {} } as never);
  for (const [signature, handler] of Object.entries(FUNCTIONS))
    environment.registerFunction(
      signature.replace(/\b(Authorizer|PathCheck|GroupCheck|ResourceCheck|Decision)\b/g, `${PACKAGE}.$1`),
      handler,
    );
  return environment;
}
