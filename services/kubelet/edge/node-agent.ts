// Does: registers this node, keeps its status true and its Lease alive. Never looks at pods.
import type { Lease, Node } from '../../../lib/api/generated/types.ts';
import { RESOURCES } from '../../../lib/api/resource.ts';
import { toMicroTime, type Clock, type Timer } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Bus, Subscription } from '../../../lib/bus/bus.ts';
import { unpackObject } from '../../../lib/bus/event-object.ts';
import type { ResourceEvent } from '../../../lib/bus/messages.ts';
import { patternOf } from '../../../lib/bus/subjects.ts';
import type { Client } from '../../../lib/client/client.ts';
import { mustReport, newNode, nodeLabels, nodeStatusOf, type NodeFacts } from '../core/node-status.ts';

export interface NodeAgentContext {
  cluster: string;
  bus: Bus;
  clock: Clock;
  log: Log;
  client: Client;
  leaseSeconds: number;
  facts(): Promise<NodeFacts>;
}

const LEASE_NAMESPACE = 'kube-node-lease';
const STATUS_MS = 10_000;
const RETRY_MS = 1_000;
/** Events may be lost: the node is read anew at this pace. */
const REREAD_MS = 60_000;

export class NodeAgent {
  readonly #ctx: NodeAgentContext;
  readonly #name: string;
  #node: Node | undefined;
  #readAtMs = 0;
  #reportedAtMs = 0;
  #lease: Lease | undefined;
  #timers = new Map<string, Timer>();
  #subscription: Subscription | undefined;
  #isStopped = false;
  /** One report at a time: an older one must not overtake a newer. */
  #isReporting = false;
  #isStale = false;

  constructor(ctx: NodeAgentContext, name: string) {
    this.#ctx = ctx;
    this.#name = name;
  }

  get isRegistered(): boolean {
    return this.#node !== undefined;
  }

  start(): void {
    const subject = patternOf(this.#ctx.cluster, 'watch', { group: 'core', resource: 'nodes', name: this.#name });
    this.#subscription = this.#ctx.bus.subscribe(subject, (message) => this.#seen(message.data as ResourceEvent));
    void this.#keepStatus();
    void this.#keepLease();
  }

  stop(): void {
    this.#isStopped = true;
    this.#subscription?.unsubscribe();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** Something of the facts has changed: look at once. */
  hurry(): void {
    if (this.#isReporting) this.#isStale = true;
    else if (this.#subscription !== undefined) this.#later('status', 0, () => void this.#keepStatus());
  }

  /** Who thought that this node was dead, and wrote so, is answered at once. */
  #seen(event: ResourceEvent): void {
    if (event.name !== this.#name) return;
    if (event.type === 'DELETED') this.#node = undefined;
    else if (event.revision > Number(this.#node?.metadata.resourceVersion ?? 0)) this.#node = unpackObject<Node>(event);
    this.hurry();
  }

  #later(name: string, delayMs: number, fire: () => void): void {
    this.#timers.get(name)?.cancel();
    if (!this.#isStopped) this.#timers.set(name, this.#ctx.clock.timer(delayMs, fire));
  }

  async #keepStatus(): Promise<void> {
    let delayMs = STATUS_MS;
    this.#isReporting = true;
    this.#isStale = false;
    try {
      await this.#report();
    } catch (error) {
      this.#ctx.log.debug({ error: messageOf(error) }, 'the node could not be reported');
      if (isReason(error, 'NotFound', 'Conflict')) this.#node = undefined;
      delayMs = RETRY_MS;
    }
    this.#isReporting = false;
    this.#later('status', this.#isStale ? 0 : delayMs, () => void this.#keepStatus());
  }

  async #report(): Promise<void> {
    const { client, clock } = this.#ctx;
    const facts = await this.#ctx.facts();
    const now = clock.now();
    if (this.#node === undefined || now - this.#readAtMs > REREAD_MS) {
      this.#node = await this.#readOrCreate(facts, now);
      this.#readAtMs = now;
    }
    await this.#label(facts);
    const wanted = nodeStatusOf(facts, this.#node.status, now);
    if (this.#reportedAtMs === 0) this.#reportedAtMs = now;
    if (!mustReport(this.#node.status, wanted, this.#reportedAtMs, now)) return;
    // A node that says it is well while its Lease is old is taken for silent still, and contradicted.
    if (this.#lease === undefined) await this.#renew(this.#node);
    const { uid } = this.#node.metadata;
    const at = { name: this.#name, subresource: 'status' };
    this.#node = await client.patch<Node>(RESOURCES.nodes, at, 'application/merge-patch+json', {
      metadata: { uid },
      status: wanted,
    });
    this.#reportedAtMs = now;
  }

  async #readOrCreate(facts: NodeFacts, now: number): Promise<Node> {
    const { client } = this.#ctx;
    try {
      return await client.get<Node>(RESOURCES.nodes, { name: this.#name });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    const created = await client.create<Node>(RESOURCES.nodes, '', newNode(facts, now));
    this.#ctx.log.info({ node: this.#name }, 'registered the node');
    return created;
  }

  /** Labels and address range of a node that was registered before, perhaps by another version. */
  async #label(facts: NodeFacts): Promise<void> {
    const labels = nodeLabels(facts);
    const now = this.#node?.metadata.labels ?? {};
    const hasCidr = this.#node?.spec?.podCIDR !== undefined;
    if (hasCidr && Object.entries(labels).every(([key, value]) => now[key] === value)) return;
    const spec = hasCidr ? {} : { spec: { podCIDR: facts.podCidr, podCIDRs: [facts.podCidr] } };
    this.#node = await this.#ctx.client.patch<Node>(
      RESOURCES.nodes,
      { name: this.#name },
      'application/merge-patch+json',
      { metadata: { labels }, ...spec },
    );
  }

  async #keepLease(): Promise<void> {
    const delayMs = (this.#ctx.leaseSeconds * 1000) / 4;
    try {
      // The Lease belongs to the node: without one there is nothing to say.
      if (this.#node !== undefined) await this.#renew(this.#node);
    } catch (error) {
      this.#ctx.log.debug({ error: messageOf(error) }, 'the lease could not be renewed');
      this.#lease = undefined;
    }
    this.#later(
      'lease',
      this.#lease === undefined ? Math.min(RETRY_MS, delayMs) : delayMs,
      () => void this.#keepLease(),
    );
  }

  async #renew(node: Node): Promise<void> {
    const { client, clock, leaseSeconds } = this.#ctx;
    const at = { namespace: LEASE_NAMESPACE, name: this.#name };
    const spec = {
      holderIdentity: this.#name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: toMicroTime(clock.now()),
    };
    if (this.#lease === undefined) this.#lease = await this.#readOrCreateLease(node, spec);
    this.#lease = await client.update<Lease>(RESOURCES.leases, at, {
      ...this.#lease,
      spec: { ...this.#lease.spec, ...spec },
    });
  }

  async #readOrCreateLease(node: Node, spec: Lease['spec']): Promise<Lease> {
    const { client } = this.#ctx;
    try {
      return await client.get<Lease>(RESOURCES.leases, { namespace: LEASE_NAMESPACE, name: this.#name });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    const owner = { apiVersion: 'v1', kind: 'Node', name: this.#name, uid: node.metadata.uid ?? '' };
    const metadata = { name: this.#name, namespace: LEASE_NAMESPACE, ownerReferences: [owner] };
    return client.create<Lease>(RESOURCES.leases, LEASE_NAMESPACE, { metadata, spec });
  }
}
