// Decides what nats-server lets through between members of the store: which of them is heard by which. A cut is a permission
// that a member lacks, so it may be one way, and its connection stays: its messages vanish, and nobody tells it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNkey } from '../../lib/bus/nkeys.ts';

export class CutNetwork {
  private readonly members: readonly string[];
  private readonly cluster: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'flotilla-seeds-'));
  private readonly keys = new Map<string, string>();
  private readonly cuts = new Set<string>();

  constructor(cluster: string, members: readonly string[]) {
    this.cluster = cluster;
    this.members = members;
    for (const member of members) {
      const { seed, publicKey } = createNkey();
      writeFileSync(this.seedFile(member), seed);
      this.keys.set(member, publicKey);
    }
  }

  seedFile(member: string): string {
    return join(this.directory, `${member}.seed`);
  }

  /** What `from` says is not heard by `to`. */
  cut(from: string, to: string): void {
    this.cuts.add(`${from} ${to}`);
  }

  cutOff(member: string): void {
    this.mute(member);
    this.deafen(member);
  }

  mute(member: string): void {
    for (const other of this.members) if (other !== member) this.cut(member, other);
  }

  deafen(member: string): void {
    for (const other of this.members) if (other !== member) this.cut(other, member);
  }

  heal(): void {
    this.cuts.clear();
  }

  /** Whoever has no key, as the clients of a test, may do everything. */
  get config(): string {
    const users = this.members.map((member) => {
      const denied = this.members.filter((other) => this.cuts.has(`${member} ${other}`));
      const deny = denied.map((other) => `"${this.cluster}.raft.${other}.>"`).join(', ');
      return `{ nkey: ${this.keys.get(member)!}, permissions: { publish: { deny: [${deny}] } } }`;
    });
    return `authorization {\n users: [\n  { user: any, password: any }\n  ${users.join('\n  ')}\n ]\n}\nno_auth_user: any`;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
