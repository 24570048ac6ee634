// Decides how full a node is: what its pods ask for, kept up to date pod by pod. Never recounts all pods.
import type { Node } from '../../../lib/api/generated/types.ts';
import type { PodInfo } from './pod-info.ts';
import { addTo, allocatableOf, type Amounts } from './resources.ts';

export class NodeInfo {
  readonly name: string;
  /** undefined: pods are bound to it, but it is not known (yet, or any more). */
  node: Node | undefined;
  allocatable: Amounts = {};
  readonly requested: Amounts = {};
  readonly scoreRequested: Amounts = {};
  /** By uid. */
  readonly pods = new Map<string, PodInfo>();
  readonly owners = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    this.allocatable = node === undefined ? {} : allocatableOf(node);
  }

  add(uid: string, info: PodInfo): void {
    this.pods.set(uid, info);
    addTo(this.requested, info.requests);
    addTo(this.scoreRequested, info.scoreRequests);
    if (info.owner !== undefined) this.owners.set(info.owner, (this.owners.get(info.owner) ?? 0) + 1);
  }

  remove(uid: string): void {
    const info = this.pods.get(uid);
    if (info === undefined) return;
    this.pods.delete(uid);
    addTo(this.requested, info.requests, -1);
    addTo(this.scoreRequested, info.scoreRequests, -1);
    if (info.owner === undefined) return;
    const left = (this.owners.get(info.owner) ?? 1) - 1;
    if (left === 0) this.owners.delete(info.owner);
    else this.owners.set(info.owner, left);
  }
}
