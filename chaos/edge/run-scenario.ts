// Does: plays one scenario on a cluster: load, faults by the timeline, healing, and what was seen as figures. Never ends
// before it has healed what it broke: not after an error, not when it is interrupted, not at the limit of harm.
import { setTimeout as pause } from 'node:timers/promises';
import { seededChance } from '../../lib/base/chance.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { HttpsTransport } from '../../lib/client/https-transport.ts';
import type { ChaosDriver, Target } from '../contract.ts';
import { answerNow, GapNews, memberNews, sinceThen, type Board, type Lane, type Line } from '../core/board.ts';
import { durationText } from '../core/duration.ts';
import { figureText, holds, limitText, type FigureName, type Figures } from '../core/figures.ts';
import { checkHistory, type Entry } from '../core/history.ts';
import { plant, type Plant } from '../core/plant.ts';
import { checkText, type Plan, type Step } from '../core/plan.ts';
import { PodsSeen } from '../core/pods-seen.ts';
import type { Check, Scenario } from '../core/scenario.ts';
import type { CheckResult, Observed } from '../core/verdict.ts';
import { ApiLoad, CELL_MS } from './api-load.ts';
import { Breaker } from './breaker.ts';
import { ServiceLoad } from './service-load.ts';
import { watchPods } from './watch-pods.ts';
import { Workload } from './workload.ts';

export interface RunParts {
  driver: ChaosDriver;
  /** One for each API actor. */
  transports: readonly HttpsTransport[];
  seed: number;
  plant?: Plant;
  /** Aborted: heal and end at once. */
  signal: AbortSignal;
  onLine(line: Line): void;
}

export interface RunResult extends Observed {
  entries: Entry[];
  interrupted: boolean;
}

const TICK_MS = 50;
const MEMBERS_MS = 250;
const LOOK_MS = 250;
const READY_MS = 180_000;
const RECOVER_MS = 90_000;
const GONE_MS = 60_000;

export class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #plan: Plan;
  readonly #parts: RunParts;
  readonly #workload: Workload;
  readonly #load: ApiLoad;
  readonly #breaker: Breaker;
  readonly #pods = new PodsSeen();
  readonly #lines: Line[] = [];
  readonly #checks: CheckResult[] = [];
  readonly #waiting: Array<Promise<void>> = [];
  readonly #ending = new AbortController();
  #service: ServiceLoad | undefined;
  #impossible: Observed['impossible'] = {};
  #members: Target[] = [];
  #phase = 'getting ready';
  #startedAt = performance.now();
  #harm: string | undefined;
  #isHurting = false;
  #podsListed = false;

  constructor(scenario: Scenario, plan: Plan, parts: RunParts) {
    this.#scenario = scenario;
    this.#plan = plan;
    this.#parts = parts;
    const chance = seededChance(parts.seed);
    // The names of two runs at one time must differ; what is drawn for the faults must not depend on it.
    const namespace = `chaos-${process.pid.toString(36)}-${Math.floor(performance.timeOrigin % 1e8).toString(36)}`;
    let client: Promise<readonly string[]> | undefined;
    this.#workload = new Workload(namespace, parts.transports, () => (client ??= parts.driver.serviceClient()));
    this.#breaker = new Breaker(parts.driver, seededChance(parts.seed + 1));
    const { transports } = parts;
    this.#load = new ApiLoad({ transports, namespace, load: scenario.load, chance });
  }

  /** Throws only what went wrong before anything was broken. */
  async play(): Promise<RunResult> {
    const background = [this.#followPods(), this.#followMembers()];
    try {
      await this.#makeReady();
      await this.#playSteps();
      return await this.#endedWith();
    } finally {
      await this.#healAll();
      this.#ending.abort();
      await this.#service?.stop();
      await this.#load.stop();
      await Promise.all(background);
    }
  }

  /** What was measured, once all trouble has ended. */
  async #endedWith(): Promise<RunResult> {
    const interrupted = this.#parts.signal.aborted;
    await this.#healAll();
    if (!interrupted) await this.#recover();
    await this.#service?.stop();
    const figures = this.#figures();
    const entries = await this.#endLoad();
    const history = checkHistory(entries);
    Object.assign(figures, {
      'acknowledged writes lost': history.lost.length,
      'stale reads': history.stale.length,
      'histories no order explains': history.unexplained.length,
    });
    const troubles = [...this.#breaker.troubles, ...(this.#harm === undefined ? [] : [this.#harm])];
    return { figures, history, checks: this.#checks, impossible: this.#impossible, troubles, entries, interrupted };
  }

  board(): Board {
    const nowMs = performance.now();
    const pods = this.#pods.list().filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
    const lane = (name: string, seen: ApiLoad['writes']): Lane => ({
      name,
      cells: seen.cellsUntil(nowMs),
      ok: seen.ok,
      failed: seen.failed,
      longestGapMs: seen.longestGapMs(nowMs),
    });
    return {
      cluster: this.#parts.driver.cluster,
      title: this.#scenario.name,
      hypothesis: this.#scenario.hypothesis,
      phase: this.#phase,
      elapsedMs: this.#phase === 'getting ready' ? 0 : this.#nowMs(),
      lastsMs: this.#plan.lastsMs,
      cellMs: CELL_MS,
      members: this.#members,
      lanes: [
        lane('writes', this.#load.writes),
        lane('reads', this.#load.reads),
        ...(this.#service === undefined ? [] : [lane('Service', this.#service.seen)]),
      ],
      lastWrite: answerNow(this.#load.lastWrite, this.#load.writes.sinceOkMs(nowMs)),
      lastRead: answerNow(this.#load.lastRead, this.#load.reads.sinceOkMs(nowMs)),
      pods: {
        total: pods.length,
        ready: pods.filter(({ isReady }) => isReady).length,
        disturbed: this.#pods.disturbed.size,
        restarted: this.#pods.containersRestarted,
      },
      broken: this.#breaker.broken,
      lines: this.#lines,
    };
  }

  #nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  #say(text: string, kind: Line['kind'] = 'seen'): void {
    const line = { atMs: this.#phase === 'getting ready' ? 0 : this.#nowMs(), text, kind };
    this.#lines.push(line);
    this.#parts.onLine(line);
  }

  async #makeReady(): Promise<void> {
    await this.#checkNeeds();
    await this.#workload.make();
    this.#say(`a Deployment of 3 pods and its Service are made in namespace ${this.#workload.namespace}`);
    await this.#workload.waitReady(READY_MS);
    if (await this.#workload.isHollow()) this.#impossible = HOLLOW;
    else if (this.#scenario.load.service > 0) await this.#startService();
    this.#load.start();
    await this.#until('the load is answered', READY_MS, () => {
      const { writes, reads } = this.#load;
      return writes.ok > 0 && reads.ok > 0 && (this.#service?.seen.ok ?? 1) > 0 && this.#podsListed;
    });
    this.#startedAt = performance.now();
    this.#phase = 'running';
    this.#load.begin();
    this.#service?.begin();
    this.#pods.begin();
    this.#say('the load runs: every gap counts from here');
  }

  async #checkNeeds(): Promise<void> {
    const { stores, nodes, apiservers, containers } = this.#scenario.needs;
    const targets = await this.#parts.driver.targets();
    const count = (role: string): number => targets.filter((target) => target.role === role).length;
    const nodeCount = new Set(targets.flatMap(({ node }) => node ?? [])).size;
    const missing = [
      count('store') < stores ? `${stores} stores (there are ${count('store')})` : '',
      count('apiserver') < apiservers ? `${apiservers} API actors (there are ${count('apiserver')})` : '',
      nodeCount < nodes ? `${nodes} nodes (there are ${nodeCount})` : '',
      containers && (await this.#workload.isHollow()) ? 'nodes that run containers (these are hollow)' : '',
    ].filter((each) => each !== '');
    if (missing.length > 0) throw new Error(`${this.#scenario.name} needs ${missing.join(', ')}`);
  }

  async #startService(): Promise<void> {
    const client = await this.#parts.driver.serviceClient();
    const url = await this.#workload.serviceUrl();
    const { service: clients } = this.#scenario.load;
    this.#service = new ServiceLoad({ client, url, clients });
    await this.#until('the Service answers', READY_MS, () => this.#service!.seen.ok > 0);
  }

  /** Steps of one moment are done one after the other; breaking may take a while, the next step is late then. */
  async #playSteps(): Promise<void> {
    const ticking = this.#tick();
    try {
      for (const step of this.#plan.steps) {
        if (await this.#isOverBefore(step.atMs)) return;
        await this.#do(step);
      }
      await this.#isOverBefore(this.#plan.lastsMs);
    } finally {
      this.#isHurting = true;
      await ticking;
      await Promise.all(this.#waiting);
    }
  }

  async #isOverBefore(atMs: number): Promise<boolean> {
    while (this.#nowMs() < atMs && !this.#isOver()) await pause(Math.min(TICK_MS, Math.max(1, atMs - this.#nowMs())));
    return this.#isOver();
  }

  #isOver(): boolean {
    return this.#harm !== undefined || this.#parts.signal.aborted;
  }

  async #do(step: Step): Promise<void> {
    try {
      if (step.type === 'break') {
        for (const what of await this.#breaker.break(step.number, step.wish)) this.#say(what, 'broken');
        const trouble = this.#breaker.troubles.at(-1);
        if (trouble !== undefined) this.#say(trouble, 'wrong');
      } else if (step.type === 'heal')
        for (const what of await this.#breaker.heal(step.number)) this.#say(`healed: ${what}`, 'healed');
      else if (step.type === 'act') {
        const name = await this.#workload.act(step.act);
        if (step.act.do === 'delete') this.#pods.exempt(name);
        this.#say(`${step.act.do}d ${name}`);
      } else if (step.check.withinMs === 0) await this.#check(step.check);
      // The timeline goes on meanwhile: what is waited for may need the next healing.
      else this.#waiting.push(this.#check(step.check));
    } catch (error) {
      const what = step.type === 'act' ? `${step.act.do} ${step.act.what}` : step.type;
      this.#breaker.troubles.push(`${what}: ${messageOf(error)}`);
      this.#say(`${what}: ${messageOf(error)}`, 'wrong');
    }
  }

  async #check(check: Check): Promise<void> {
    const end = this.#nowMs() + check.withinMs;
    const look = (): Promise<string> => this.#workload.look(check).catch((error) => `not known: ${messageOf(error)}`);
    let saw = await look();
    while (saw !== check.is && this.#nowMs() < end && !this.#isOver()) {
      await pause(LOOK_MS);
      saw = await look();
    }
    const held = saw === check.is;
    this.#checks.push({ what: `from ${durationText(check.atMs)} on: ${checkText(check)}`, saw, held });
    this.#say(`${check.that} is ${saw}${held ? ', as expected' : `, expected ${check.is}`}`, held ? 'seen' : 'wrong');
  }

  /** Looks at the limit of harm and at what is worth a line, until the steps are done. */
  async #tick(): Promise<void> {
    const news = [new GapNews('writes', 0), new GapNews('reads', 0), new GapNews('requests through the Service', 0)];
    while (!this.#isHurting && !this.#isOver()) {
      await pause(TICK_MS);
      const told = [
        news[0]!.look(this.#nowMs(), this.#load.writes.ok, sinceThen(this.#load.lastWrite)),
        news[1]!.look(this.#nowMs(), this.#load.reads.ok, sinceThen(this.#load.lastRead)),
        this.#service && news[2]!.look(this.#nowMs(), this.#service.seen.ok, this.#service.why),
      ];
      for (const line of told) if (line !== undefined) this.#say(line, / go on /.test(line) ? 'seen' : 'wrong');
      this.#lookAtHarm();
    }
  }

  #lookAtHarm(): void {
    const figures = this.#figures();
    const broken = this.#scenario.limitOfHarm.find(
      (condition) =>
        condition.is === 'at most' && figures[condition.figure] !== undefined && !holds(condition, figures),
    );
    if (broken === undefined) return;
    const { figure } = broken;
    this.#harm = `the limit of harm was passed: ${figure} ${figureText(figure, figures[figure]!)}, ${limitText(broken)} is allowed`;
    this.#say(`${this.#harm}; everything is healed at once`, 'wrong');
  }

  async #healAll(): Promise<void> {
    if (this.#phase === 'running') this.#phase = 'healing';
    for (const what of await this.#breaker.healAll()) this.#say(`healed: ${what}`, 'healed');
  }

  /** A cluster that does not come back by itself when all trouble has ended refutes any hypothesis. */
  async #recover(): Promise<void> {
    const { writes, reads } = this.#load;
    const before = { writes: writes.ok, reads: reads.ok, service: this.#service?.seen.ok ?? 0 };
    try {
      await this.#until('the cluster answers again', RECOVER_MS, () => {
        const service = this.#service === undefined || this.#service.seen.ok > before.service;
        const stores = this.#members.filter(({ role }) => role === 'store');
        const isWhole = stores.every(({ state, store }) => state === 'running' && store !== undefined);
        return writes.ok > before.writes && reads.ok > before.reads && service && isWhole;
      });
      this.#say('all answers again');
    } catch (error) {
      this.#breaker.troubles.push(messageOf(error));
    }
  }

  async #endLoad(): Promise<Entry[]> {
    this.#phase = 'judging';
    await this.#load.stop();
    try {
      await this.#load.readAll(performance.now() + RECOVER_MS);
    } catch (error) {
      this.#breaker.troubles.push(messageOf(error));
    }
    const entries = this.#load.entriesSince(this.#startedAt);
    const { plant: kind } = this.#parts;
    return kind === undefined ? entries : plant(entries, kind);
  }

  /** Takes away what the run made. */
  async clean(): Promise<void> {
    try {
      await this.#workload.remove();
      if (await this.#workload.waitGone(GONE_MS)) return;
      this.#say(`namespace ${this.#workload.namespace} is still there: the cluster will take it away`, 'wrong');
    } catch (error) {
      this.#say(`namespace ${this.#workload.namespace} could not be deleted: ${messageOf(error)}`, 'wrong');
    }
  }

  #figures(): Figures {
    const nowMs = performance.now();
    const service = this.#service?.seen;
    return {
      'longest write gap': this.#load.writes.longestGapMs(nowMs),
      'longest read gap': this.#load.reads.longestGapMs(nowMs),
      'pods disturbed': this.#pods.disturbed.size,
      'containers restarted': this.#pods.containersRestarted,
      'writes acknowledged': this.#load.writes.ok,
      'reads answered': this.#load.reads.ok,
      'reads from a cache': this.#load.fromCache,
      ...(service === undefined
        ? {}
        : { 'Service requests failed': service.failed, 'longest Service gap': service.longestGapMs(nowMs) }),
    };
  }

  async #followPods(): Promise<void> {
    const say = (line: string): void => {
      if (this.#phase === 'running' || this.#phase === 'healing') this.#say(line);
    };
    await watchPods(this.#parts.transports, this.#pods, this.#ending.signal, say, () => (this.#podsListed = true));
  }

  async #followMembers(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const targets = await this.#parts.driver.targets().catch(() => []);
      const members = targets.filter(({ role }) => role === 'store');
      for (const line of memberNews(this.#members, members)) this.#say(line);
      if (members.length > 0) this.#members = members;
      await pause(MEMBERS_MS);
    }
  }

  async #until(what: string, timeoutMs: number, holdsNow: () => boolean): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!holdsNow()) {
      if (this.#parts.signal.aborted) return;
      if (performance.now() > end)
        throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what} (${this.#load.lastWrite})`);
      await pause(TICK_MS);
    }
  }
}

const HOLLOW: Partial<Record<FigureName, string>> = {
  'Service requests failed': 'hollow nodes run nothing',
  'longest Service gap': 'hollow nodes run nothing',
};
