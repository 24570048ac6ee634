// Decides how simulated members meet: a network that loses, delays, doubles and cuts, and every step checked against the
// invariants. Never decides when something happens: the test, or a seed, does.
import { simpleConfiguration, type Effect, type Input, type MemberId, type Message } from '../../raft/core/index.ts';
import { RaftDisk } from './raft-disk.ts';
import { RaftInvariants } from './raft-invariants.ts';
import { RaftMember, type MemberOptions, type MemberWatcher } from './raft-member.ts';

export interface ClusterOptions extends Partial<MemberOptions> {
  voters: MemberId[];
  learners?: MemberId[];
}

const TEST_CLUSTER = 'cluster-1';

export class RaftCluster {
  readonly members = new Map<MemberId, RaftMember>();
  readonly invariants: RaftInvariants;
  /** Sent and not yet delivered, oldest first. */
  network: Message[] = [];
  /** `a>b`: nothing gets from a to b. */
  readonly cuts = new Set<string>();
  /** Every effect, for whoever tells the story. */
  onStep: (member: RaftMember, input: Input, effects: readonly Effect[]) => void = () => {};
  onSend: (message: Message, lost: boolean) => void = () => {};
  private readonly options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.options = options;
    const first = simpleConfiguration(options.voters, options.learners);
    this.invariants = new RaftInvariants(() => [...this.members.values()]);
    for (const id of [...first.voters, ...first.learners]) this.add(id);
  }

  /** A new, empty member; it is no part of the configuration until that is changed. */
  add(id: MemberId): RaftMember {
    const { voters, learners } = this.options;
    const configuration = simpleConfiguration(voters, learners);
    const disk = new RaftDisk({ index: 0, term: 0, configuration, sizeBytes: 0, hash: '' });
    const number = [...this.members.keys()].length + 1;
    const options: MemberOptions = {
      clusterId: TEST_CLUSTER,
      seed: (this.options.seed ?? 1) * 31 + number,
      electionTicks: this.options.electionTicks ?? { min: 10, max: 20 },
      heartbeatTicks: this.options.heartbeatTicks ?? 2,
      leaseReads: this.options.leaseReads ?? false,
      limits: this.options.limits ?? {},
    };
    const member = new RaftMember(id, disk, options, this.watcher);
    this.members.set(id, member);
    return member;
  }

  private readonly watcher: MemberWatcher = {
    stepped: (member, input, effects) => {
      this.onStep(member, input, effects);
      this.invariants.stepped(member, input, effects);
    },
    sent: (member, message) => {
      this.invariants.sent(member, message);
      const lost = this.isCut(message.from, message.to);
      this.onSend(message, lost);
      if (!lost) this.network.push(message);
    },
  };

  get(id: MemberId): RaftMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no member ${id}`);
    return member;
  }

  isCut(from: MemberId, to: MemberId): boolean {
    return this.cuts.has(`${from}>${to}`);
  }

  /** Cuts `ids` off from all others, in both directions. */
  isolate(ids: readonly MemberId[]): void {
    for (const a of this.members.keys()) {
      for (const b of this.members.keys()) {
        if (ids.includes(a) !== ids.includes(b)) this.cuts.add(`${a}>${b}`);
      }
    }
    this.network = this.network.filter(({ from, to }) => !this.isCut(from, to));
  }

  heal(): void {
    this.cuts.clear();
  }

  /** Delivers the message at `position` of the network. */
  deliver(position = 0): void {
    const [message] = this.network.splice(position, 1);
    const member = this.members.get(message!.to);
    if (member?.alive !== true) return;
    member.input({ type: 'receive', message: message! });
    this.invariants.state(member);
  }

  tick(): void {
    for (const member of this.members.values()) member.input({ type: 'tick' });
  }

  /** Does every write and delivers every message until nothing is left to do. Each round writes first. */
  settle(ids: readonly MemberId[] = [...this.members.keys()]): void {
    for (let round = 0; round < 10_000; round++) {
      const writer = ids.find((id) => this.get(id).alive && this.get(id).disk.queue.length > 0);
      const position = this.network.findIndex(({ to }) => ids.includes(to));
      if (writer !== undefined) this.get(writer).write();
      else if (position !== -1) this.deliver(position);
      else return;
    }
    throw new Error('the members never come to rest');
  }

  leader(): RaftMember | undefined {
    const leaders = [...this.members.values()].filter(({ alive, raft }) => alive && raft.role === 'leader');
    return leaders.sort((a, b) => b.raft.term - a.raft.term)[0];
  }
}
