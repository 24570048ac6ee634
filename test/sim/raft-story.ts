// Decides how a story in text is played: each command changes a small cluster, and what the members did is the answer that
// must stand below it. Never knows a clock or a seed beyond the story's own.
import type { MemberId, Message, MessageType, RaftLimits } from '../../raft/core/index.ts';
import type { DiskCopy } from './raft-disk.ts';
import { RaftCluster, type ClusterOptions } from './raft-cluster.ts';
import { effectText, inputText, logText, messageText, progressText } from './raft-text.ts';

interface Command {
  verb: string;
  /** Words without `=`. */
  words: string[];
  options: Record<string, string>;
}

/** One command of a story: its text, and the answer that the file gives. */
export interface Scene {
  comment: string;
  command: string;
  answer: string;
}

/** `# comment` lines, a command, `----`, the answer up to an empty line. */
export function parseStory(text: string): Scene[] {
  const scenes: Scene[] = [];
  const lines = text.split('\n');
  let comment: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (lines[i + 1] !== '----') {
      comment.push(line);
      continue;
    }
    const answer: string[] = [];
    for (i += 2; i < lines.length && lines[i] !== ''; i++) answer.push(lines[i]!);
    scenes.push({ comment: comment.join('\n'), command: line, answer: answer.join('\n') });
    comment = [];
  }
  const loose = comment.filter((line) => line !== '' && !line.startsWith('#'));
  if (loose.length > 0) throw new Error(`a command without '----' below it: ${loose[0]}`);
  return scenes;
}

export function printStory(scenes: readonly Scene[]): string {
  return scenes
    .map(({ comment, command, answer }) => `${comment === '' ? '' : `${comment}\n`}${command}\n----\n${answer}\n`)
    .join('\n');
}

function parseCommand(line: string): Command {
  const [verb = '', ...rest] = line.trim().split(/\s+/);
  const options: Record<string, string> = {};
  for (const word of rest.filter((each) => each.includes('='))) {
    const [key, value] = word.split('=') as [string, string];
    options[key] = value;
  }
  return { verb, words: rest.filter((each) => !each.includes('=')), options };
}

export class StoryTeller {
  private cluster = new RaftCluster({ voters: ['nobody'] });
  private lines: string[] = [];
  private quiet = false;
  private nextId = 1;
  private readonly backups = new Map<MemberId, DiskCopy>();

  /** Plays one command and returns what happened. */
  play(line: string): string {
    const command = parseCommand(line);
    this.lines = [];
    this.quiet = command.words.includes('quietly');
    command.words = command.words.filter((word) => word !== 'quietly');
    const act = (this.acts as Record<string, ((command: Command) => void) | undefined>)[command.verb];
    if (act === undefined) throw new Error(`no such command: ${line}`);
    act(command);
    return this.lines.length === 0 ? 'nothing' : this.lines.join('\n');
  }

  private tell(line: string): void {
    if (!this.quiet) this.lines.push(line);
  }

  private readonly acts = {
    members: ({ words, options }: Command): void => this.begin(words, options),
    add: ({ words }: Command): void => words.forEach((id) => void this.cluster.add(id)),
    /** The election timeout of a member runs out. */
    campaign: ({ words: [id] }: Command): void => this.campaign(id!),
    /** campaign, and everything that follows, without the details. */
    elect: ({ words: [id] }: Command): void => {
      this.quiet = true;
      this.unheard([...this.cluster.members.keys()]);
      this.campaign(id!);
      this.cluster.settle();
      this.quiet = false;
      this.log([id!]);
    },
    /** These have heard nothing from a leader for the shortest election timeout: they protect none. */
    unheard: ({ words }: Command): void => this.unheard(words),
    /** `heartbeats a b 6`: so many heartbeats pass among these, undisturbed and untold. */
    heartbeats: ({ words }: Command): void => this.heartbeats(words),
    tick: ({ words }: Command): void => this.tick(words),
    deliver: (command: Command): void => this.messages(command, (message) => this.deliver(message)),
    lose: (command: Command): void =>
      this.messages(command, (message) => {
        this.cluster.network.splice(this.cluster.network.indexOf(message), 1);
        this.tell(`lost: ${message.from} → ${message.to} ${messageText(message)}`);
      }),
    double: (command: Command): void => this.messages(command, (message) => void this.cluster.network.push(message)),
    write: ({ words: [id, count = '1'] }: Command): void => {
      for (let i = 0; i < Number(count); i++) this.cluster.get(id!).write();
    },
    settle: ({ words }: Command): void => this.cluster.settle(words.length === 0 ? undefined : words),
    propose: ({ words: [id, ...data] }: Command): void =>
      this.cluster.get(id!).input({
        type: 'propose',
        proposalId: this.nextId++,
        data: data.map((each) => new TextEncoder().encode(each)),
      }),
    read: ({ words: [id] }: Command): void => this.cluster.get(id!).input({ type: 'readIndex', readId: this.nextId++ }),
    change: ({ words: [id], options }: Command): void => this.change(id!, options),
    transfer: ({ words: [id, to = ''] }: Command): void =>
      this.cluster.get(id!).input({ type: 'transferLeadership', transferId: this.nextId++, to }),
    snapshot: ({ words: [id, sizeBytes = '64'] }: Command): void =>
      this.cluster.get(id!).takeSnapshot(Number(sizeBytes)),
    crash: ({ words: [id, kept = '0'] }: Command): void => this.cluster.get(id!).crash(Number(kept)),
    restart: ({ words: [id] }: Command): void => {
      this.cluster.get(id!).restart();
      this.log([id!]);
    },
    damage: ({ words: [id, index] }: Command): void => this.cluster.get(id!).disk.damage(Number(index)),
    /** A new, empty disk takes the place of the old one. */
    wipe: ({ words: [id] }: Command): void => {
      this.cluster.get(id!).disk.wipe();
      this.cluster.invariants.forget(id!);
    },
    /** `backup b`, and later, while it is down, `restore b`. */
    backup: ({ words: [id] }: Command): void => void this.backups.set(id!, this.cluster.get(id!).disk.copy()),
    restore: ({ words: [id] }: Command): void => {
      this.cluster.get(id!).disk.putBack(this.backups.get(id!)!);
      this.cluster.invariants.forget(id!);
    },
    /** As `restore`, but storage takes the directory for the one that it was. */
    rollback: ({ words: [id] }: Command): void => {
      const { disk } = this.cluster.get(id!);
      disk.putBack(this.backups.get(id!)!);
      disk.standing = { ...disk.standing, doubt: '' };
      this.cluster.invariants.forget(id!);
    },
    /** All directories are empty and say so. */
    newborn: (): void => {
      for (const member of this.cluster.members.values()) {
        member.crash();
        member.disk.wipe();
        member.restart();
      }
    },
    /** Since spares were left out, so much time has passed that a majority should have answered. */
    review: ({ words: [id] }: Command): void => this.cluster.get(id!).input({ type: 'reviewSpares' }),
    isolate: ({ words }: Command): void => this.cluster.isolate(words),
    /** One way only. */
    cut: ({ words: [from, to] }: Command): void => void this.cluster.cuts.add(`${from}>${to}`),
    heal: (): void => this.cluster.heal(),
    /** `disconnected b a`: b is told that a is gone. */
    disconnected: ({ words: [id, gone] }: Command): void =>
      this.cluster.get(id!).input({ type: 'peerDisconnected', id: gone! }),
    fail: ({ words: [id] }: Command): void =>
      this.cluster.get(id!).input({ type: 'appendFailed', appendId: 0, reason: 'no space left' }),
    unreadable: ({ words: [id] }: Command): void => void (this.cluster.get(id!).disk.unreadable = true),
    readable: ({ words: [id] }: Command): void => void (this.cluster.get(id!).disk.unreadable = false),
    /** The state machine is busy, and later done. */
    busy: ({ words: [id] }: Command): void => void (this.cluster.get(id!).slowApply = true),
    applied: ({ words: [id] }: Command): void => {
      const member = this.cluster.get(id!);
      member.slowApply = false;
      member.input({ type: 'applied', index: member.applied });
    },
    log: ({ words }: Command): void => this.log(words),
    progress: ({ words: [id] }: Command): void =>
      progressText(this.cluster.get(id!)).forEach((line) => this.tell(line)),
    network: (): void =>
      this.cluster.network.forEach((message) => this.tell(`${message.from} → ${message.to} ${messageText(message)}`)),
  };

  private begin(voters: MemberId[], { learners, electionTicks, leaseReads, ...limits }: Record<string, string>): void {
    const [min = 10, max = 20] = (electionTicks ?? '10..20').split('..').map(Number);
    const numbers = Object.entries(limits).map(([name, value]) => [name, Number(value)]);
    const options: ClusterOptions = {
      voters,
      learners: learners?.split(',') ?? [],
      electionTicks: { min, max },
      leaseReads: leaseReads === 'true',
      limits: { retainedEntries: 0, heldEntries: 0, ...Object.fromEntries(numbers) } as Partial<RaftLimits>,
    };
    this.cluster = new RaftCluster(options);
    this.cluster.onStep = (member, input, effects) => {
      const heading = inputText(member.id, input);
      // A tick that leads to nothing is not worth a line.
      if (heading !== undefined && (effects.length > 0 || input.type !== 'tick')) this.tell(heading);
      for (const effect of effects) this.tell(`  ${member.id} ${effectText(effect)}`);
    };
    this.cluster.onSend = (message, lost) => {
      if (lost) this.tell(`  lost: ${message.from} → ${message.to} ${message.type}`);
    };
  }

  private unheard(ids: string[]): void {
    for (const id of ids) {
      const { raft } = this.cluster.get(id);
      raft.electionElapsed = Math.max(raft.electionElapsed, raft.electionTicks.min);
    }
  }

  private heartbeats(words: string[]): void {
    const ids = words.slice(0, -1);
    this.quiet = true;
    for (let i = 0; i < Number(words.at(-1)); i++) {
      this.tick([...ids, '2']);
      this.cluster.settle(ids);
    }
    this.quiet = false;
  }

  private campaign(id: MemberId): void {
    const member = this.cluster.get(id);
    member.raft.electionElapsed = member.raft.electionTimeout - 1;
    member.input({ type: 'tick' });
  }

  /** `tick a b 3`, `tick 3` (everybody). */
  private tick(words: string[]): void {
    const ids = words.filter((word) => !/^\d+$/.test(word));
    const count = Number(words.find((word) => /^\d+$/.test(word)) ?? 1);
    for (let i = 0; i < count; i++) {
      for (const id of ids.length > 0 ? ids : this.cluster.members.keys()) this.cluster.get(id).input({ type: 'tick' });
    }
  }

  private messages({ words, options }: Command, act: (message: Message) => void): void {
    const { from, to = words[0], type, count = '1000', last } = options;
    const matching = this.cluster.network.filter(
      (message) =>
        (from === undefined || message.from === from) &&
        (to === undefined || message.to === to) &&
        (type === undefined || message.type === (type as MessageType)),
    );
    const chosen = last === undefined ? matching.slice(0, Number(count)) : matching.slice(-Number(last));
    for (const message of chosen) act(message);
  }

  private deliver(message: Message): void {
    this.cluster.deliver(this.cluster.network.indexOf(message));
  }

  private change(id: MemberId, { voters, learners, expected }: Record<string, string>): void {
    const list = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(','));
    const expectedIndex = expected === undefined ? {} : { expectedIndex: Number(expected) };
    this.cluster.get(id).input({
      type: 'changeConfiguration',
      changeId: this.nextId++,
      voters: list(voters),
      learners: list(learners),
      ...expectedIndex,
    });
  }

  private log(ids: string[]): void {
    for (const id of ids.length > 0 ? ids : this.cluster.members.keys()) this.tell(logText(this.cluster.get(id)));
  }
}
