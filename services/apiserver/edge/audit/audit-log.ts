// Does: follows each request from its coming to its end and writes what the policy wants told of it. Never changes an answer,
// and never fails a request.
import { readFileSync } from 'node:fs';
import { Counter, type Registry } from 'prom-client';
import { parseAuditPolicy, type AuditPolicy, type AuditStage } from '../../../../lib/api/audit-policy.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { Clock } from '../../../../lib/base/clock.ts';
import { messageOf, type Status } from '../../../../lib/base/errors.ts';
import type { Log } from '../../../../lib/base/log.ts';
import { auditEvent, withoutManagedFields, type Audited } from '../../core/audit/event.ts';
import { auditDecision, type AuditDecision } from '../../core/audit/policy.ts';
import type { User } from '../../core/auth/user.ts';
import type { Call } from '../call.ts';
import { AuditFile, type AuditFileOptions } from './audit-file.ts';
import { requestObjectOf } from './request-object.ts';

export type AuditOptions = AuditFileOptions & { policyFile: string };

/** What is known of a request when it comes. */
export type Arrival = Omit<Audited, 'level' | 'name' | 'requestObject' | 'responseObject' | 'annotations'>;

export class AuditLog {
  readonly #policy: AuditPolicy;
  readonly #file: AuditFile;
  readonly #clock: Clock;
  readonly #log: Log;
  #events = 0;
  readonly #levels = new Map<string, number>();

  /** Throws where the policy is none: an API that was to be audited does not start without. */
  constructor(options: AuditOptions, clock: Clock, log: Log) {
    this.#policy = parseAuditPolicy(readFileSync(options.policyFile, 'utf8'), options.policyFile);
    this.#file = new AuditFile(options, clock, log);
    this.#clock = clock;
    this.#log = log;
  }

  countIn(registry: Registry): void {
    counter(registry, 'apiserver_audit_event_total', 'Audit events that were made.', [], () => [[{}, this.#events]]);
    counter(registry, 'apiserver_audit_error_total', 'Audit events that were lost.', ['plugin'], () => [
      [{ plugin: 'log' }, this.#file.dropped],
    ]);
    counter(registry, 'apiserver_audit_level_total', 'Requests by how much is told of them.', ['level'], () =>
      [...this.#levels].map(([level, count]) => [{ level }, count]),
    );
  }

  /** Undefined: nothing is to be told of it. */
  begin(arrival: Arrival): AuditTrail | undefined {
    const decision = auditDecision(this.#policy, arrival.user, arrival.info);
    this.#levels.set(decision.level, (this.#levels.get(decision.level) ?? 0) + 1);
    if (decision.level === 'None') return undefined;
    const trail = new AuditTrail(this, decision, arrival);
    // Before it is known who asks, upstream tells nothing but the refusal.
    if (arrival.user !== undefined) trail.tell('RequestReceived');
    return trail;
  }

  write(make: (now: number) => object): void {
    try {
      this.#file.write(JSON.stringify(make(this.#clock.now())));
      this.#events++;
    } catch (error) {
      this.#file.dropped++;
      this.#log.error({ error: messageOf(error) }, 'an audit event could not be written');
    }
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }
}

/** Asked when somebody looks. */
function counter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: () => Array<[labels: Record<string, string>, count: number]>,
): void {
  void new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, count] of read()) this.inc(labels, count);
    },
  });
}

export class AuditTrail {
  readonly #log: AuditLog;
  readonly #decision: AuditDecision;
  readonly #audited: Audited;
  #response: (() => unknown) | undefined;
  #status: Status | undefined;
  #ended = false;
  #hasStarted = false;

  constructor(log: AuditLog, decision: AuditDecision, arrival: Arrival) {
    this.#log = log;
    this.#decision = decision;
    this.#audited = { ...arrival, level: decision.level, annotations: {} };
  }

  /** `atLeast`: what quotes bodies is told only where bodies are. */
  annotate(key: string, value: string, atLeast?: 'Request'): void {
    if (atLeast !== undefined && this.#audited.level === 'Metadata') return;
    this.#audited.annotations[key] = value;
  }

  impersonates(user: User): void {
    this.#audited.impersonated = user;
  }

  /** The body has come: it is read now, before defaults and admission change what it holds. */
  received(call: Call, kind: Kind | undefined): void {
    const { info, level } = this.#audited;
    if (!info.isResource || call.body.isEmpty) return;
    const body = quietly(() => requestObjectOf(call, info, kind)) as ReturnType<typeof requestObjectOf> | undefined;
    this.#audited.name = body?.name;
    if (level === 'Metadata' || body === undefined) return;
    const object = this.#shown(body.value);
    // Over the bus it is the object itself, not its bytes.
    this.#audited.requestObject = call.body.bytes === undefined ? structuredClone(object) : object;
  }

  /** What is sent; read only where it is told. */
  answers(read: () => unknown): void {
    this.#response = read;
  }

  refused(status: Status): void {
    this.#status = status;
    this.#response = () => status;
  }

  /** It was refused before anybody read what was sent. */
  unread(): void {
    delete this.#audited.requestObject;
    delete this.#audited.name;
  }

  /** A long answer has begun. */
  started(code: number): void {
    if (!this.#hasStarted) this.tell('ResponseStarted', code);
    this.#hasStarted = true;
  }

  complete(code: number, stage: 'ResponseComplete' | 'Panic' = 'ResponseComplete'): void {
    if (this.#ended) return;
    this.#ended = true;
    const { level, info } = this.#audited;
    const answer = info.isResource && this.#response !== undefined ? quietly(this.#response) : undefined;
    if (isStatus(answer)) this.#status = answer;
    if (level === 'RequestResponse' && answer !== undefined) this.#audited.responseObject = this.#shown(answer);
    this.tell(this.#audited.user === undefined ? 'ResponseStarted' : stage, code);
  }

  tell(stage: AuditStage, code?: number): void {
    if (this.#decision.omitStages.has(stage)) return;
    const outcome = code === undefined ? undefined : { code, status: this.#status };
    this.#log.write((now) => auditEvent(this.#audited, stage, now, outcome));
  }

  #shown(object: unknown): unknown {
    return this.#decision.omitManagedFields ? withoutManagedFields(object) : object;
  }
}

const isStatus = (answer: unknown): answer is Status =>
  typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === 'Status';

/** A body that is no object is told by its refusal. */
function quietly(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
