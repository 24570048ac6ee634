// Does: brings together the Raft core, its storage and transport, the state machine and whoever waits for it: feeds the
// core its inputs, one at a time, and carries out its effects in order. Never decides anything of the algorithm.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import {
  createRaft,
  describeSnapshot,
  raftStatus,
  step,
  type AppendId,
  type Effect,
  type Entry,
  type Input,
  type RaftState,
  type RaftStatus,
} from '../../../raft/core/index.ts';
import type { RaftStorage, OpenedStorage } from '../../../raft/storage/storage.ts';
import { createRaftTransport, type RaftTransport } from '../../../raft/transport/transport.ts';
import type { StoreLimits } from '../core/limits.ts';
import type { StateMachine, Applied } from '../core/state-machine.ts';
import { Applier } from './applier.ts';
import { DurableGate } from './durable-gate.ts';
import { ElectionTrace } from './election-trace.ts';
import { LateNotices } from './late-notices.ts';
import { LeaderWatch } from './leader-watch.ts';
import { Leadership } from './leadership.ts';
import {
  DEFAULT_AGE_SECONDS,
  DOUBTS,
  limitsOf,
  RAFT_LIMITS,
  TIDY_KEYS,
  TIMING,
  TRANSFER_MS,
  type MemberOptions,
} from './member-options.ts';
import { MemberEnd } from './member-end.ts';
import { MemberDisk } from './member-disk.ts';
import { Membership } from './membership.ts';
import { openStorage } from './open-storage.ts';
import { Operations } from './operations.ts';
import { Proposals } from './proposals.ts';
import { Publisher } from './publisher.ts';
import { Reads } from './reads.ts';
import { StateExchange } from './state-exchange.ts';
import { Upkeep } from './upkeep.ts';

export class StoreMember {
  readonly leadership: Leadership;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly operations: Operations;
  readonly membership: Membership;
  readonly disk: MemberDisk;
  readonly storage: RaftStorage;
  /** That it was given; those that count are in the state. */
  readonly limits: StoreLimits;
  private readonly ctx: ActorContext<StoreSettings>;
  private readonly end: MemberEnd;
  private readonly observe: MemberOptions['observe'];
  private readonly raft: RaftState;
  private readonly transport: RaftTransport;
  private readonly gate: DurableGate;
  private readonly notices: LateNotices;
  readonly states: StateExchange;
  private readonly applier: Applier;
  private readonly publisher: Publisher;
  private readonly elections: ElectionTrace;
  private readonly watch: LeaderWatch;
  private readonly upkeep: Upkeep;
  private inputs: Input[] = [];
  private stepping = false;
  private timer: Timer | undefined;
  private stopped = false;

  private constructor(
    ctx: ActorContext<StoreSettings>,
    options: MemberOptions,
    opened: OpenedStorage,
    state: StateMachine,
    lane: Bus,
  ) {
    const { clock, instance, settings } = ctx;
    const { storage } = opened;
    this.ctx = ctx;
    this.end = new MemberEnd(ctx, {
      disk: options.disk,
      die: options.die,
      isStopped: () => this.stopped,
      abort: () => this.abort(),
      input: (input) => this.input(input),
    });
    this.observe = options.observe;
    this.storage = storage;
    this.limits = limitsOf(settings, options);
    this.raft = createRaft({
      clusterId: settings.clusterId,
      id: instance,
      incarnation: opened.incarnation,
      seed: ctx.chance.int(2 ** 32),
      electionTicks: TIMING.electionTicks,
      heartbeatTicks: TIMING.heartbeatTicks,
      limits: { ...RAFT_LIMITS, ...options.raftLimits },
      restored: opened.restored,
      reader: storage.log,
    });
    this.leadership = new Leadership(instance, clock);
    this.publisher = new Publisher(lane, ctx.cluster, instance, ctx.log, options.nextTurn);
    this.elections = new ElectionTrace(ctx);
    this.watch = new LeaderWatch(ctx, (id) => {
      if (!this.stopped) this.input({ type: 'peerDisconnected', id });
    });
    this.proposals = new Proposals(clock, this.leadership, (proposalId, data) =>
      this.input({ type: 'propose', proposalId, data: [data] }),
    );
    this.reads = new Reads(
      clock,
      this.leadership,
      (readId) => this.input({ type: 'readIndex', readId }),
      () => this.state,
    );
    this.operations = new Operations(
      clock,
      this.leadership,
      (input) => this.input(input),
      () => this.upkeep.timeMs,
    );
    this.membership = new Membership(
      clock,
      this.leadership,
      () => this.status,
      (input) => this.input(input),
      (wanted) => ctx.log.info({ ...wanted }, 'a learner has caught up and becomes a voter'),
    );
    this.upkeep = new Upkeep(
      {
        leads: () => this.leadership.leads,
        state: () => this.state,
        writeTime: (atMs, ended) => this.operations.writeTime(atMs, ended),
        compact: (revision, ended) => this.operations.add({ operation: 'compact', revision }, ended),
        writeLimits: (limits, ended) => this.operations.writeLimits(limits, ended),
      },
      this.limits,
      (settings.forgetAfterSeconds ?? DEFAULT_AGE_SECONDS) * 1_000,
    );
    this.applier = new Applier(
      state,
      options.limits ?? {},
      (snapshot) => storage.snapshots.readAll(snapshot),
      {
        entry: (entry, applied) => this.entryApplied(entry, applied),
        applied: (index) => this.stateMoved(index),
        installed: (snapshot) => {
          this.states.reset();
          ctx.log.info({ index: snapshot.index }, 'snapshot of the leader installed');
        },
        failed: (error) => this.end.fail(error),
      },
      options.nextTurn,
    );
    storage.events = {
      appended: (appendId) => this.appended(appendId),
      failed: (appendId, error) => this.end.storageFailed(appendId, error),
    };
    storage.log.onDamage = (error) => this.end.fail(error);
    storage.log.onReadable = () => {
      if (!this.stopped) this.input({ type: 'logReadable' });
    };
    this.transport = createRaftTransport({
      bus: ctx.bus,
      cluster: ctx.cluster,
      clusterId: settings.clusterId,
      id: instance,
      receive: (message) => {
        if (message.type === 'stateHashes') return this.stopped ? undefined : this.states.heard(message);
        if (message.from === this.leadership.leader) this.watch.heard();
        this.input({ type: 'receive', message });
      },
    });
    this.notices = new LateNotices((message) => this.transport.send(message));
    this.gate = new DurableGate((message) => this.notices.send(message));
    this.states = new StateExchange({
      clusterId: settings.clusterId,
      id: instance,
      log: ctx.log,
      status: () => this.status,
      state: () => this.state,
      counts: () => this.repairs === '',
      send: (message) => this.transport.send(message),
      contradicted: (what) => this.end.takeOut(what),
    });
    this.disk = new MemberDisk({
      ctx,
      options,
      storage,
      leadership: this.leadership,
      applier: this.applier,
      states: this.states,
      status: () => this.status,
      state: () => this.state,
      describe: (index) => describeSnapshot(this.raft, index),
      leadsStill: () => this.reads.leadsStill(),
      input: (input) => this.input(input),
      send: (message) => {
        if (!this.stopped) this.transport.send(message);
      },
      failed: (error) => this.end.fail(error),
    });
  }

  /** Restores the state from snapshot and log, and begins to take part. Throws when the disk's content is damaged. */
  static async open(ctx: ActorContext<StoreSettings>, options: MemberOptions): Promise<StoreMember> {
    const { log } = ctx;
    const began = ctx.clock.monotonic();
    const { opened, state } = await openStorage(ctx, options);
    const { snapshot, lastIndex, doubt } = opened.restored;
    const tookMs = Math.round(ctx.clock.monotonic() - began);
    log.info({ snapshot: snapshot.index, lastIndex, doubt, incarnation: opened.incarnation, tookMs }, 'store restored');
    const member = new StoreMember(ctx, options, opened, state, await ctx.bus.lane());
    member.tickLater();
    return member;
  }

  get state(): StateMachine {
    return this.applier.state;
  }

  /** Why this member must not answer from its own state; '' = it may. */
  get repairs(): string {
    const { doubt, damagedThrough } = this.raft;
    if (doubt !== undefined) return DOUBTS[doubt.reason];
    return damagedThrough > 0
      ? `has lost entries up to ${damagedThrough} and waits for a leader to give them back`
      : '';
  }

  get status(): RaftStatus {
    return raftStatus(this.raft);
  }

  /** Hands leadership over if it can, then ends; what is unanswered is refused. */
  async stop(): Promise<void> {
    if (this.leadership.leads && !this.stopped) await this.operations.handOver(TRANSFER_MS);
    await this.abort();
  }

  /** Ends at once, as a crash would: nobody is told. */
  async abort(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.cancel();
    this.transport.stop();
    this.applier.stop();
    this.states.stop();
    for (const part of [this.proposals, this.reads, this.operations, this.membership, this.leadership]) part.stop();
    await this.disk.stop();
    await this.storage.close();
  }

  // ---- inputs -----------------------------------------------------------------------------------------------------

  private input(input: Input): void {
    this.inputs.push(input);
    if (this.stepping) return;
    this.stepping = true;
    try {
      const out: Effect[] = [];
      for (let next = this.inputs.shift(); next !== undefined && !this.stopped; next = this.inputs.shift()) {
        out.length = 0;
        step(this.raft, next, out);
        this.observe?.(this.raft, next, out);
        for (const effect of out) this.perform(effect);
      }
    } catch (error) {
      this.end.fail(error);
    } finally {
      this.stepping = false;
    }
  }

  private tickLater(): void {
    this.timer = this.ctx.clock.timer(TIMING.tickMs, () => {
      if (this.stopped) return;
      this.tickLater();
      this.input({ type: 'tick' });
      this.notices.tick();
      this.applier.release();
      const now = this.ctx.clock.monotonic();
      for (const part of [this.proposals, this.reads, this.operations, this.membership, this.leadership])
        part.tick(now);
      for (const part of [this.upkeep, this.disk]) part.tick(now);
      this.state.tidy(TIDY_KEYS);
      this.watch.tick(now, this.leadership.leader);
      this.states.tick();
    });
  }

  private reviewSparesLater(): void {
    this.ctx.clock.timer(TIMING.lateMs, () => {
      if (!this.stopped) this.input({ type: 'reviewSpares' });
    });
  }

  private appended(appendId: AppendId): void {
    if (this.stopped) return;
    this.gate.appended(appendId);
    this.input({ type: 'appended', appendId });
    this.applier.release();
  }

  private stateMoved(index: number): void {
    this.publisher.flushSoon();
    this.reads.applied();
    this.input({ type: 'applied', index });
  }

  private entryApplied(entry: Entry, applied: Applied): void {
    this.states.applied(entry.index);
    this.disk.applied(entry);
    this.publisher.add(applied);
    this.proposals.applied(entry, applied);
    this.operations.applied(entry, applied);
  }

  // ---- effects ----------------------------------------------------------------------------------------------------

  private perform(effect: Effect): void {
    switch (effect.type) {
      case 'append':
        return this.storage.submit(effect);
      case 'installSnapshot':
        this.storage.submit(effect);
        return this.applier.install(effect.snapshot, this.gate.whenDurable(effect.appendId));
      case 'send':
        return this.gate.send(effect.message, effect.afterAppend);
      case 'sparesLeftOut':
        return this.reviewSparesLater();
      case 'apply':
        // A follower's leader waits for its disk, and nobody for its state: while it applies, it would not hear that the disk is done.
        return this.applier.apply(effect.entries, this.leadership.leads || this.storage.pending === 0);
      case 'sendSnapshotChunk':
      case 'writeSnapshotChunk':
      case 'compact':
      case 'releaseSnapshot':
        return this.disk.perform(effect);
      case 'proposalAccepted':
      case 'proposalRefused':
        this.operations.decided(effect);
        return this.proposals.decided(effect);
      case 'readReady':
        return this.reads.ready(effect.readId, effect.index);
      case 'readFailed':
        return this.reads.failed(effect);
      case 'leaderChanged':
        return this.leaderChanged(effect);
      case 'configurationChanged':
        return this.ctx.log.info({ index: effect.index, ...effect.configuration }, 'configuration in force');
      case 'transferEnded':
        return this.operations.transferEnded(effect);
      case 'configurationAccepted':
      case 'configurationRefused':
        return this.membership.decided(effect);
      default:
        return effect satisfies never;
    }
  }

  private leaderChanged({ leader, term, role }: Extract<Effect, { type: 'leaderChanged' }>): void {
    const led = this.leadership.leads;
    const leads = role === 'leader';
    this.ctx.log.info({ leader, term, role }, 'leadership');
    this.elections.changed(leader, term, role);
    this.leadership.changed(leader, leads);
    if (leads) this.publisher.lead(term, this.state.revision);
    else this.publisher.follow();
    if (!led || leads) return;
    this.proposals.abandon();
    this.operations.abandon();
    this.membership.abandon();
  }
}
