// Does: hosts actors in this process: gives each its context, starts it, answers for its status and recent trace, starts
// it again with backoff when it fails, drains it when told. Never knows what any of them does.
import type { Chance } from '../base/chance.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import { MESSAGE_VERSION, type ActorState, type ActorStatus, type TraceQuery } from '../bus/messages.ts';
import { patternOf, subjectOf, type ActorName } from '../bus/subjects.ts';
import type { Exec } from '../exec/exec.ts';
import type { ActorContext, RunningActor, StartActor } from './context.ts';
import { FaultyBus } from './faults/faulty-bus.ts';
import { InnerFaultsDesk } from './faults/inner-faults.ts';
import { bornLife, nextLife, restartDelayMs, type LifeEvent } from './lifecycle.ts';
import type { ActorFile } from './settings.ts';
import { systemClock } from './system.ts';
import { createTracer } from './tracer.ts';

export interface HostEdges {
  connect(file: ActorFile, log: Log): Promise<Bus>;
  load(actor: ActorName): Promise<StartActor<never>>;
  log(file: ActorFile): Log;
  chance: Chance;
  exec: Exec;
}

export interface HostedActor {
  readonly instance: string;
  /** Resolves when the actor has been started for the first time. */
  readonly started: Promise<void>;
  /** Drains, stops and disconnects. */
  stop(): Promise<void>;
}

/** Runs one actor until `stop`. A failure at start or a broken promise later starts it again, after a growing pause. */
export function hostActor(file: ActorFile, edges: HostEdges): HostedActor {
  const log = edges.log(file);
  const bornAt = systemClock.now();
  let life = bornLife();
  let why: string | undefined;
  let failures = 0;
  let running: RunningActor | undefined;
  let bus: Bus | undefined;
  const faults = new InnerFaultsDesk(file.instance, systemClock, (now) => log.warn({ ...now }, 'faults ordered'));
  let stopping = false;
  const first = Promise.withResolvers<void>();

  const turn = (event: LifeEvent): void => {
    life = nextLife(life, event);
    why = event.type === 'FAILED' ? event.why : undefined;
    log.info({ state: life.value, ...(why === undefined ? {} : { why }) }, 'actor state');
    const state: ActorState = {
      version: MESSAGE_VERSION,
      actor: file.actor,
      instance: file.instance,
      state: String(life.value),
      at: systemClock.now(),
      ...(why === undefined ? {} : { why }),
    };
    bus?.publish(subjectOf(file.cluster, 'actorState', { instance: file.instance }), state);
  };

  const begin = async (): Promise<void> => {
    try {
      bus ??= await connectAndAnswer();
      const start = await edges.load(file.actor);
      running = await start(contextOf(bus) as ActorContext<never>);
      turn({ type: 'STARTED' });
      failures = 0;
      first.resolve();
      if (stopping) await end();
    } catch (error) {
      log.error(
        { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
        'actor failed to start',
      );
      turn({ type: 'FAILED', why: messageOf(error) });
      failures++;
      systemClock.timer(restartDelayMs(failures), () => {
        if (stopping) return;
        turn({ type: 'RETRY' });
        void begin();
      });
    }
  };

  let tracer: ReturnType<typeof createTracer>;
  const connectAndAnswer = async (): Promise<Bus> => {
    // What breaks and what looks from outside must get through whatever the actor is told to break.
    const outside = await edges.connect(file, log);
    const connected = new FaultyBus(outside, { desk: faults, clock: systemClock, chance: edges.chance, log });
    const boot = edges.chance.suffix(6);
    tracer = createTracer({
      cluster: file.cluster,
      actor: file.actor,
      instance: file.instance,
      boot,
      clock: systemClock,
      bus: connected,
      tells: file.trace !== false,
    });
    const own = { instance: file.instance };
    outside.subscribe(patternOf(file.cluster, 'actorFault', own), (message) =>
      message.respond?.(faults.take(message.data)),
    );
    outside.subscribe(patternOf(file.cluster, 'actorStatus', own), (message) => message.respond?.(statusNow()));
    outside.subscribe(patternOf(file.cluster, 'actorTrace', own), (message) =>
      message.respond?.(tracer.recent((message.data ?? {}) as TraceQuery)),
    );
    return connected;
  };

  const contextOf = (connected: Bus): ActorContext => ({
    cluster: file.cluster,
    actor: file.actor,
    instance: file.instance,
    settings: file.settings,
    bus: connected,
    clock: { ...systemClock, now: () => systemClock.now() + faults.now.skewMs },
    diskFaults: () => faults.now,
    chance: edges.chance,
    log,
    exec: edges.exec,
    tracer,
  });

  const statusNow = (): ActorStatus => ({
    actor: file.actor,
    instance: file.instance,
    pid: process.pid,
    startedAt: bornAt,
    state: String(life.value),
    details: running?.status() ?? (why === undefined ? {} : { why }),
  });

  const end = async (): Promise<void> => {
    turn({ type: 'STOP' });
    // An actor that ends must be able to say good-bye.
    faults.healAll();
    await running
      ?.stop()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'actor did not stop cleanly'));
    turn({ type: 'DRAINED' });
    await bus?.flush().catch(() => {});
    await bus?.close();
  };

  void begin();
  return {
    instance: file.instance,
    started: first.promise,
    async stop() {
      if (stopping) return;
      stopping = true;
      await end();
    },
  };
}
