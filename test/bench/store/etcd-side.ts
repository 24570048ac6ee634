// Does: what the bench asks of a store, at etcd's members: over one HTTP/2 connection to the leader, as its clients would have.
// Never batches by itself: etcd has no request for that.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../kit/eventually.ts';
import { EtcdProcesses } from '../etcd-processes.ts';
import { fieldsOf, GrpcClient, message } from './grpc.ts';
import { WATCHED, type Processes, type Side } from './side.ts';

const PUT = '/etcdserverpb.KV/Put';
const RANGE = '/etcdserverpb.KV/Range';
const TXN = '/etcdserverpb.KV/Txn';
const STATUS = '/etcdserverpb.Maintenance/Status';
const REQUEST_MS = 30_000;
/** As etcd's robustness tests have it (200 ms), a little more patient. */
const PROBE_MS = 250;
const START_MS = 60_000;
const MOD_REVISION = 2;

export class EtcdSide implements Side {
  readonly name = 'etcd';
  private readonly etcd: EtcdProcesses;
  private readonly clients: Map<string, GrpcClient>;
  private client: GrpcClient;

  private constructor(etcd: EtcdProcesses) {
    this.etcd = etcd;
    this.clients = new Map(etcd.names.map((name) => [name, new GrpcClient(etcd.addressOf(name))]));
    this.client = this.clients.get('e1')!;
  }

  static async start(): Promise<EtcdSide> {
    const side = new EtcdSide(await EtcdProcesses.start());
    try {
      await side.leader();
    } catch (error) {
      await side.stop();
      throw error;
    }
    return side;
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    return revisionOf(await this.client.call(PUT, message([1, key], [2, value]), REQUEST_MS));
  }

  async swap(key: string, revision: number, value: Uint8Array): Promise<number | undefined> {
    const compare = message([2, MOD_REVISION], [3, key], [6, revision]);
    const put = message([2, message([1, key], [2, value])]);
    const answer = await this.client.call(TXN, message([1, compare], [2, put]), REQUEST_MS);
    return fieldsOf(answer).get(2) === 1 ? revisionOf(answer) : undefined;
  }

  async readLinearizable(key: string): Promise<void> {
    await this.client.call(RANGE, message([1, key]), REQUEST_MS);
  }

  async readLinearizableFromMember(key: string): Promise<void> {
    await this.readLinearizable(key);
  }

  async readFromMember(key: string): Promise<void> {
    await this.client.call(RANGE, message([1, key], [7, 1]), REQUEST_MS);
  }

  /** At whom the last attempt succeeded; else at the next. */
  async probe(key: string, value: Uint8Array): Promise<void> {
    try {
      await this.client.call(PUT, message([1, key], [2, value]), PROBE_MS);
    } catch (error) {
      const all = [...this.clients.values()];
      this.client = all[(all.indexOf(this.client) + 1) % all.length]!;
      throw error;
    }
  }

  watcherArguments(count: number): string[] {
    return ['etcd', this.client.address, String(count), WATCHED];
  }

  members(): readonly string[] {
    return this.etcd.names;
  }

  /** The member that leads as far as it knows; requests go to it from then on. */
  async leader(): Promise<string> {
    const whoLeads = async (): Promise<string | undefined> => {
      for (const [name, client] of this.clients) {
        const answer = await client.call(STATUS, new Uint8Array(0), PROBE_MS).catch(() => undefined);
        if (answer === undefined) continue;
        const status = fieldsOf(answer) as unknown as Map<number, Buffer | number>;
        const own = fieldsOf(status.get(1) as Buffer).get(2);
        if (own !== status.get(4)) continue;
        this.client = client;
        return name;
      }
      return undefined;
    };
    return eventually('a member of etcd leads', whoLeads, START_MS);
  }

  kill(member: string): Promise<void> {
    return this.etcd.kill(member);
  }

  signal(member: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.etcd.signal(member, signal);
  }

  launch(member: string): void {
    this.etcd.launch(member);
  }

  async answers(member: string, key: string): Promise<void> {
    const client = this.clients.get(member)!;
    for (const until = Date.now() + START_MS; Date.now() < until; await sleep(5)) {
      const answer = await client.call(RANGE, message([1, key], [7, 1]), PROBE_MS).catch(() => undefined);
      if (answer !== undefined && fieldsOf(answer).has(2)) return;
    }
    throw new Error(`${member} does not answer after ${START_MS} ms`);
  }

  processes(): Processes {
    return Object.fromEntries(this.etcd.names.map((name) => [name, this.etcd.pid(name)]));
  }

  async stop(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    await this.etcd.stop();
  }
}

const revisionOf = (answer: Buffer): number => fieldsOf(fieldsOf(answer).get(1)!).get(3)!;
