// Decides what the scheduler believes of nodes and the pods on them: what the cache says, and on top of it the bindings
// that the cache does not show yet (assumed pods). Never forgets an assumed pod before its binding is seen or has failed.
import { equalObjects } from '../../../lib/api/equality.ts';
import type { Node, Pod } from '../../../lib/api/generated/types.ts';
import { NodeInfo } from './node-info.ts';
import { podInfo, type PodInfo } from './pod-info.ts';

/** What `schedule` reads. */
export interface Snapshot {
  /** Known nodes, in a stable order. */
  readonly nodes: readonly NodeInfo[];
}

export class ClusterState implements Snapshot {
  readonly #byName = new Map<string, NodeInfo>();
  /** uid of each counted pod to its node. */
  readonly #places = new Map<string, string>();
  readonly #assumed = new Set<string>();
  #nodes: NodeInfo[] = [];

  get nodes(): readonly NodeInfo[] {
    return this.#nodes;
  }

  /** Its binding is on its way, or not seen yet. */
  isAssumed(pod: Pod): boolean {
    return this.#assumed.has(pod.metadata.uid ?? '');
  }

  /** True when pods that did not fit may fit now. */
  setNode(node: Node): boolean {
    const info = this.#info(node.metadata.name);
    const before = info.node;
    info.setNode(node);
    if (before === undefined) this.#nodes = [...this.#nodes, info];
    return (
      before === undefined ||
      !equalObjects(before.spec, node.spec) ||
      !equalObjects(before.metadata.labels, node.metadata.labels) ||
      !equalObjects(before.status?.allocatable, node.status?.allocatable)
    );
  }

  removeNode(name: string): void {
    const info = this.#byName.get(name);
    if (info === undefined) return;
    info.setNode(undefined);
    this.#nodes = this.#nodes.filter((one) => one !== info);
    this.#drop(info);
  }

  /** A pod as the cache shows it. True when room was made. */
  setPod(pod: Pod): boolean {
    const uid = pod.metadata.uid ?? '';
    const node = pod.spec.nodeName ?? '';
    // Its binding is on its way: an older view of it says nothing against that.
    if (node === '' && this.#assumed.has(uid)) return false;
    this.#assumed.delete(uid);
    const isFinished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (node === '' || isFinished) return this.removePod(uid);
    const isKnown = this.#places.get(uid) === node;
    const before = isKnown ? this.#byName.get(node)?.pods.get(uid) : undefined;
    if (before !== undefined && equalObjects(before.pod.spec, pod.spec)) return false;
    this.#take(uid);
    this.#put(uid, node, podInfo(pod));
    return before !== undefined;
  }

  /** True when room was made. */
  removePod(uid: string): boolean {
    this.#assumed.delete(uid);
    return this.#take(uid);
  }

  assume(info: PodInfo, node: string): void {
    const uid = info.pod.metadata.uid ?? '';
    this.#take(uid);
    this.#put(uid, node, info);
    this.#assumed.add(uid);
  }

  /** The binding failed. */
  forget(uid: string): void {
    if (this.#assumed.delete(uid)) this.#take(uid);
  }

  #info(name: string): NodeInfo {
    const info = this.#byName.get(name) ?? new NodeInfo(name);
    this.#byName.set(name, info);
    return info;
  }

  #put(uid: string, node: string, info: PodInfo): void {
    this.#info(node).add(uid, info);
    this.#places.set(uid, node);
  }

  #take(uid: string): boolean {
    const node = this.#places.get(uid);
    if (node === undefined) return false;
    const info = this.#byName.get(node)!;
    info.remove(uid);
    this.#places.delete(uid);
    this.#drop(info);
    return true;
  }

  /** Nothing is remembered of a node that is gone and has no pods. */
  #drop(info: NodeInfo): void {
    if (info.node === undefined && info.pods.size === 0) this.#byName.delete(info.name);
  }
}
