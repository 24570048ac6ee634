// Decides which unit is started, stopped or started again, and does it: one state machine a unit, adopted units watched
// by pid and start time. Never builds what units need (network, files); `up` did that.
import { createActor, type Actor } from 'xstate';
import type { Unit } from '../core/unit.ts';
import { unitMachine } from './unit-machine.ts';
import {
  forgetRecord,
  isAlive,
  isHalted,
  readRecord,
  signal,
  spawnDetached,
  writeRecord,
  type ProcessRecord,
} from '../edge/processes.ts';
import { isReady } from '../edge/readiness.ts';
import { readIfThere, writeFileAtomic } from '../edge/files.ts';

export interface UnitStatus {
  name: string;
  role: string;
  /** A state of the unit's machine, or `paused`. */
  state: string;
  pid?: number;
  /** Milliseconds since 1970. */
  startedAt?: number;
  restarts: number;
  why?: string;
  log: string;
}

export interface SupervisorPlaces {
  pidFile(unit: string): string;
  logFile(unit: string): string;
  /** Names of units that their owner stopped: they stay stopped when the supervisor comes back. */
  heldFile: string;
  cwd: string;
}

interface Kept {
  unit: Unit;
  machine: Actor<typeof unitMachine>;
  record: ProcessRecord | undefined;
  adopted: boolean;
  /** Its process is halted (SIGSTOP) until somebody lets it go on. */
  paused: boolean;
  /** Guards against an answer about an earlier life. */
  life: number;
  lastState: string;
}

const PROBE_MS = 50;
const WATCH_MS = 250;

export class Supervisor {
  readonly #places: SupervisorPlaces;
  readonly #units = new Map<string, Kept>();
  readonly #listeners = new Set<(status: UnitStatus) => void>();
  readonly #held: Set<string>;
  readonly #log: (line: string) => void;
  readonly #watch: NodeJS.Timeout;
  #released = false;

  constructor(places: SupervisorPlaces, log: (line: string) => void) {
    this.#places = places;
    this.#log = log;
    this.#held = new Set(JSON.parse(readIfThere(places.heldFile) ?? '[]') as string[]);
    this.#watch = setInterval(() => this.#lookAfterAdopted(), WATCH_MS);
  }

  /** Takes on what is new in the plan, ends what is no longer in it; leaves what runs alone. Held units wait for their owner. */
  load(units: readonly Unit[]): void {
    this.#dropAllBut(new Set(units.map(({ name }) => name)));
    for (const unit of units) {
      const kept = this.#units.get(unit.name);
      if (kept === undefined) this.#units.set(unit.name, this.#keep(unit));
      else kept.unit = unit;
    }
    for (const unit of units) this.#take(this.#units.get(unit.name)!);
    this.#startWhatMay();
  }

  /** Ended like a unit that its owner stops, and then nobody knows of it any more. */
  #dropAllBut(names: ReadonlySet<string>): void {
    for (const [name, kept] of this.#units) {
      if (names.has(name)) continue;
      this.#hold(name, false);
      const forget = (): void => {
        if (stateOf(kept) !== 'stopped' || this.#units.get(name) !== kept) return;
        this.#units.delete(name);
        this.#log(`${name}: no longer in the plan`);
      };
      kept.machine.send({ type: 'STOP' });
      kept.machine.subscribe(forget);
      forget();
    }
  }

  status(): UnitStatus[] {
    return [...this.#units.values()].map((kept) => this.#statusOf(kept));
  }

  onChange(listener: (status: UnitStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** false: there is no such unit. */
  start(name: string): boolean {
    const kept = this.#units.get(name);
    if (kept === undefined) return false;
    this.#hold(name, false);
    this.#goOn(kept);
    kept.machine.send({ type: 'START' });
    return true;
  }

  /** `kill`: at once, without a chance to drain. Stays stopped until `start` or the next `up`. */
  stop(name: string, kill: boolean): boolean {
    const kept = this.#units.get(name);
    if (kept === undefined) return false;
    this.#hold(name, true);
    kept.machine.send({ type: 'STOP', kill });
    return true;
  }

  /** Halts the process where it stands, until `resume`, `start` or the next `up`. Why not, if it cannot be. */
  pause(name: string): string | undefined {
    const kept = this.#units.get(name);
    if (kept === undefined) return unknownUnit(name);
    if (kept.record === undefined) return `${name} cannot be paused: it is ${stateOf(kept)}`;
    kept.paused = true;
    this.#signal(kept, 'SIGSTOP');
    this.#log(`${name}: paused (pid ${kept.record.pid})`);
    this.#changed(kept);
    return undefined;
  }

  /** Lets a paused process go on; another is left as it is. Why not, if there is none. */
  resume(name: string): string | undefined {
    const kept = this.#units.get(name);
    if (kept === undefined) return unknownUnit(name);
    this.#goOn(kept);
    return undefined;
  }

  /** Starts everything that its owner had stopped or paused, and what waits out a backoff. */
  startAll(): void {
    this.#held.clear();
    writeFileAtomic(this.#places.heldFile, '[]');
    for (const kept of this.#units.values()) {
      this.#goOn(kept);
      const state = stateOf(kept);
      if (state === 'stopped' || state === 'failed') kept.machine.send({ type: 'START' });
    }
    this.#startWhatMay();
  }

  /** Lets go of every unit without touching it. */
  release(): void {
    this.#released = true;
    clearInterval(this.#watch);
    for (const kept of this.#units.values()) kept.machine.stop();
  }

  #keep(unit: Unit): Kept {
    const kept: Kept = { unit, record: undefined, adopted: false, paused: false, life: 0 } as unknown as Kept;
    kept.lastState = 'waiting';
    const machine = unitMachine.provide({
      actions: {
        spawn: () => void this.#spawn(kept),
        terminate: () => this.#terminate(kept),
        kill: () => this.#signal(kept, 'SIGKILL'),
      },
    });
    kept.machine = createActor(machine, { input: { graceMs: unit.graceSeconds * 1000 } });
    kept.machine.subscribe(() => this.#changed(kept));
    kept.machine.start();
    return kept;
  }

  /** A unit that an earlier supervisor started and that still lives is taken as it is. */
  #take(kept: Kept): void {
    if (stateOf(kept) !== 'waiting') return;
    const record = readRecord(this.#places.pidFile(kept.unit.name));
    if (record !== undefined && isAlive(record)) {
      Object.assign(kept, { record, adopted: true, paused: isHalted(record), life: kept.life + 1 });
      this.#log(`${kept.unit.name}: adopted (pid ${record.pid})`);
      kept.machine.send({ type: 'ADOPT' });
      void this.#awaitReady(kept, kept.life);
    } else if (this.#held.has(kept.unit.name)) kept.machine.send({ type: 'STOP' });
  }

  #startWhatMay(): void {
    for (const kept of this.#units.values()) {
      if (stateOf(kept) !== 'waiting') continue;
      const ready = kept.unit.after.every((name) => {
        const other = this.#units.get(name);
        return other === undefined || stateOf(other) === 'running';
      });
      if (ready) kept.machine.send({ type: 'START' });
    }
  }

  async #spawn(kept: Kept): Promise<void> {
    const life = ++kept.life;
    const { unit } = kept;
    try {
      const child = await spawnDetached(unit.argv, {
        env: unit.env,
        logFile: this.#places.logFile(unit.name),
        cwd: this.#places.cwd,
      });
      Object.assign(kept, { record: child.record, adopted: false });
      writeRecord(this.#places.pidFile(unit.name), child.record);
      this.#log(`${unit.name}: started (pid ${child.record.pid})`);
      this.#changed(kept);
      // Told to stop while it was being started: the signal found no process then.
      if (stateOf(kept) === 'draining') this.#terminate(kept);
      void this.#awaitReady(kept, life);
      void child.ended.then((why) => this.#ended(kept, life, why));
    } catch (error) {
      this.#ended(kept, life, (error as Error).message);
    }
  }

  async #awaitReady(kept: Kept, life: number): Promise<void> {
    while (!this.#released && kept.life === life && stateOf(kept) === 'starting') {
      if (await isReady(kept.unit.ready, kept.record!.pid)) {
        if (kept.life === life) kept.machine.send({ type: 'READY' });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
    }
  }

  #lookAfterAdopted(): void {
    for (const kept of this.#units.values())
      if (kept.adopted && kept.record !== undefined && !isAlive(kept.record)) this.#ended(kept, kept.life, 'ended');
  }

  #ended(kept: Kept, life: number, why: string): void {
    if (this.#released || kept.life !== life) return;
    kept.life++;
    kept.adopted = false;
    kept.paused = false;
    kept.record = undefined;
    forgetRecord(this.#places.pidFile(kept.unit.name));
    this.#log(`${kept.unit.name}: ${why}`);
    kept.machine.send({ type: 'EXIT', why });
  }

  #signal(kept: Kept, name: NodeJS.Signals): void {
    if (kept.record !== undefined) signal(kept.record, name);
  }

  /** A halted process hears of its end only when it goes on. */
  #terminate(kept: Kept): void {
    this.#signal(kept, 'SIGTERM');
    this.#goOn(kept);
  }

  #goOn(kept: Kept): void {
    if (!kept.paused) return;
    kept.paused = false;
    this.#signal(kept, 'SIGCONT');
    this.#log(`${kept.unit.name}: goes on`);
    this.#changed(kept);
  }

  #hold(name: string, held: boolean): void {
    if (held) this.#held.add(name);
    else this.#held.delete(name);
    writeFileAtomic(this.#places.heldFile, JSON.stringify([...this.#held]));
  }

  #changed(kept: Kept): void {
    const status = this.#statusOf(kept);
    for (const listener of this.#listeners) listener(status);
    if (status.state !== kept.lastState) {
      kept.lastState = status.state;
      if (status.state === 'running') queueMicrotask(() => this.#startWhatMay());
    }
  }

  #statusOf(kept: Kept): UnitStatus {
    const { context } = kept.machine.getSnapshot();
    return {
      name: kept.unit.name,
      role: kept.unit.role,
      state: kept.paused ? 'paused' : stateOf(kept),
      ...(kept.record === undefined ? {} : { pid: kept.record.pid, startedAt: kept.record.startedAt }),
      restarts: context.restarts,
      ...(context.why === '' ? {} : { why: context.why }),
      log: this.#places.logFile(kept.unit.name),
    };
  }
}

export function unknownUnit(name: string): string {
  return `there is no actor named ${JSON.stringify(name)} in this cluster`;
}

function stateOf(kept: Kept): string {
  return String(kept.machine.getSnapshot().value);
}
