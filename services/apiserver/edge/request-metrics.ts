// Does: counts and times requests under kube-apiserver's names and labels: those that are done, those that go on, and who was known
// and allowed. Never decides anything by them.
import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../../lib/base/clock.ts';
import { isLongRunning, type ResourceRequest } from '../core/request-info.ts';
import { REQUEST_LABELS, requestLabels, userLabel, type RequestLabels } from '../core/request-labels.ts';
import type { Call } from './call.ts';
import { Spreads, Tallies, type Spread, type Tally } from './tallies.ts';

interface Children {
  requests: Tally;
  durations: Spread;
  ownDurations: Spread;
}

/** What clients may make us remember: labels are few, but their product is not. */
const MOST_CHILDREN = 5_000;
const SECONDS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const DOUBLING = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const [VERB, , ...REST] = REQUEST_LABELS;
/** All but whether it was a dry run. */
const LASTING_LABELS = [VERB, ...REST] as const;

export class RequestMetrics {
  readonly #requests: Tallies;
  readonly #durations: Spreads;
  readonly #ownDurations: Spreads;
  readonly #children = new Map<string, Children>();
  readonly #open = new Map<string, { labels: RequestLabels; count: number }>();
  readonly #users: Tallies;
  readonly #attempts: Readonly<Record<'success' | 'failure', { count: Tally; seconds: Spread }>>;
  readonly #verdicts: Readonly<Record<'allowed' | 'denied', { count: Tally; seconds: Spread }>>;
  readonly #deprecated = new Map<string, Record<string, string>>();

  constructor(registry: Registry) {
    this.#requests = new Tallies({
      name: 'apiserver_request_total',
      help: 'Requests answered, by verb, dry run, group, version, resource, scope, component and HTTP code.',
      labelNames: [...REQUEST_LABELS, 'code'],
      registry,
    });
    this.#durations = new Spreads({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from the request to its answer; of one that goes on, to its end.',
      labelNames: REQUEST_LABELS,
      bounds: [0.005, 0.025, ...SECONDS],
      registry,
    });
    this.#ownDurations = new Spreads({
      name: 'apiserver_request_sli_duration_seconds',
      help: 'The same without the time that it waited for its turn and for webhooks.',
      labelNames: LASTING_LABELS,
      bounds: SECONDS,
      registry,
    });
    this.#users = new Tallies({
      name: 'authenticated_user_requests',
      help: 'Requests of users that were known, by name, where that is one of a few.',
      labelNames: ['username'],
      registry,
    });
    this.#attempts = judged(registry, ['success', 'failure'], {
      count: 'authentication_attempts',
      seconds: 'authentication_duration_seconds',
      help: 'Requests by whether it is known who asks',
    });
    this.#verdicts = judged(registry, ['allowed', 'denied'], {
      count: 'authorization_attempts_total',
      seconds: 'authorization_duration_seconds',
      help: 'Requests by whether the user may',
    });
    const deprecated = this.#deprecated;
    void new Gauge({
      name: 'apiserver_requested_deprecated_apis',
      help: 'Deprecated APIs that were asked for.',
      labelNames: ['group', 'version', 'resource', 'subresource', 'removed_release'],
      registers: [registry],
      collect() {
        for (const labels of deprecated.values()) this.set(labels, 1);
      },
    });
    gaugeOpen(registry, this.#open);
  }

  /** `isServed`: of a resource that is known here. */
  answered(call: Call, code: number, seconds: number, isServed: boolean): void {
    this.#judge(call, code);
    const known = this.#childrenOf(call, code, isServed);
    known.requests.inc();
    known.durations.observe(seconds);
    known.ownDurations.observe(Math.max(0, seconds - waitedMs(call) / 1000));
  }

  /** It goes on until the function that comes back is called. */
  goesOn(call: Call, isServed: boolean): () => void {
    const labels = labelsOf(call, isServed);
    const key = labels.join('|');
    const known = this.#open.get(key) ?? { labels, count: 0 };
    this.#open.set(key, known);
    known.count++;
    return () => {
      known.count--;
    };
  }

  deprecated({ group, version, resource, subresource }: ResourceRequest): void {
    const key = `${group}/${version}/${resource}/${subresource}`;
    if (this.#deprecated.has(key)) return;
    this.#deprecated.set(key, { group, version, resource, subresource, removed_release: '' });
  }

  #childrenOf(call: Call, code: number, isServed: boolean): Children {
    const key = keyOf(call, code, isServed);
    let known = this.#children.get(key);
    if (known !== undefined) return known;
    const labels = labelsOf(call, isServed);
    const [verb, , ...rest] = labels;
    known = {
      requests: this.#requests.of(...labels, String(code)),
      durations: this.#durations.of(...labels),
      ownDurations: this.#ownDurations.of(verb, ...rest),
    };
    if (this.#children.size >= MOST_CHILDREN) this.#children.clear();
    this.#children.set(key, known);
    return known;
  }

  /** By the stages that it came through: nobody is asked again. */
  #judge({ story, user }: Call, code: number): void {
    if (story === undefined) return;
    const { authenticate, authorize } = story.stagesMs;
    if (authenticate === undefined) {
      if (code === 401) this.#attempts.failure.count.inc();
      return;
    }
    this.#attempts.success.count.inc();
    this.#attempts.success.seconds.observe(authenticate / 1000);
    this.#users.of(userLabel(user.name)).inc();
    if (authorize !== undefined) {
      this.#verdicts.allowed.count.inc();
      this.#verdicts.allowed.seconds.observe(authorize / 1000);
    } else if (code === 403) this.#verdicts.denied.count.inc();
  }
}

/** What its labels hang on. Making these costs more than to find what was made for them. */
function keyOf({ method, info, query, body }: Call, code: number, isServed: boolean): string {
  if (info?.isResource !== true) return `${code} ${method} ${info?.path ?? ''}`;
  if (!isServed) return `${code} ${method}`;
  const { verb, group, version, resource, subresource, name, namespace } = info;
  const scope = name !== '' ? 'o' : namespace === '' ? 'c' : 'n';
  const dryRun = query.size > 0 && query.has('dryRun') ? query.getAll('dryRun').join(',') : '';
  const form = method === 'PATCH' ? body.contentType : '';
  return `${code} ${method} ${verb} ${group}/${version}/${resource}/${subresource} ${scope}${dryRun}${form}`;
}

/** For its turn, and for webhooks. */
const waitedMs = ({ story, answers }: Call): number => (story?.stagesMs['queue'] ?? 0) + (answers?.waitedMs ?? 0);

const labelsOf = ({ method, info, query, body }: Call, isServed: boolean): RequestLabels =>
  requestLabels({ method, info, query, contentType: method === 'PATCH' ? body.contentType : '' }, isServed);

function judged<K extends string>(
  registry: Registry,
  results: readonly K[],
  { count, seconds, help }: { count: string; seconds: string; help: string },
): Record<K, { count: Tally; seconds: Spread }> {
  const labelNames = ['result'];
  const counts = new Tallies({ name: count, help: `${help}.`, labelNames, registry });
  const spreads = new Spreads({
    name: seconds,
    help: `${help}: how long that took.`,
    labelNames,
    bounds: DOUBLING,
    registry,
  });
  return Object.fromEntries(
    results.map((result) => [result, { count: counts.of(result), seconds: spreads.of(result) }]),
  ) as Record<K, { count: Tally; seconds: Spread }>;
}

function gaugeOpen(registry: Registry, open: ReadonlyMap<string, { labels: RequestLabels; count: number }>): void {
  void new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Requests that go on: watches and conversations.',
    labelNames: LASTING_LABELS,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of open.values()) {
        const [verb, , ...rest] = labels;
        this.set(Object.fromEntries(LASTING_LABELS.map((name, i) => [name, [verb, ...rest][i]!])), count);
      }
    },
  });
}

export interface Counting {
  kinds: { find(group: string, version: string, resource: string): unknown };
  metrics: { requests: RequestMetrics };
  ctx: { clock: Clock };
}

/** Whoever asks for what nobody serves is counted with all others who do. */
function isServed({ kinds }: Counting, { info }: Call): boolean {
  return info?.isResource === true && kinds.find(info.group, info.version, info.resource) !== undefined;
}

interface Ending {
  readonly statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** An answer that is given; or one that has begun, which is counted at its end. */
export function countAnswer(parts: Counting, call: Call, response: Ending, began: number): void {
  const { clock } = parts.ctx;
  const { requests } = parts.metrics;
  const served = isServed(parts, call);
  const seconds = (): number => (clock.monotonic() - began) / 1000;
  const goesOn = isLongRunning(call.info) && response.headersSent && !response.writableEnded;
  if (!goesOn) return requests.answered(call, response.statusCode, seconds(), served);
  const end = requests.goesOn(call, served);
  response.once('close', () => {
    end();
    requests.answered(call, response.statusCode, seconds(), served);
  });
}

/** One that is over: over the bus, or an upgrade that is refused. */
export function countWhole(parts: Counting, call: Call, code: number, began: number): void {
  parts.metrics.requests.answered(call, code, (parts.ctx.clock.monotonic() - began) / 1000, isServed(parts, call));
}

const SWITCHING = 101;

/** What goes on until one of both sides ends it. */
export function countConversation(
  parts: Counting,
  call: Call,
  socket: { once(event: 'close', listener: () => void): unknown },
  began: number,
): void {
  const end = parts.metrics.requests.goesOn(call, isServed(parts, call));
  socket.once('close', () => {
    end();
    countWhole(parts, call, SWITCHING, began);
  });
}
