// Decides how the runtimes of a cluster's processes are tuned: what of memory they may take before they look for garbage. Never
// starts one; test/kit and test/bench start theirs with the same.
import type { ActorName } from '../../lib/bus/subjects.ts';

const FEW_CORES = 2;

/**
 * Of nats-server. Its heap is small and its garbage is other people's messages: it collects a quarter as often, for some 20 MiB.
 * Where it has few cores to share with everybody else, one is enough for it: waking a thread of its own for each message takes longer
 * than passing the message on. Without `cores`: as many as there are.
 */
export function natsEnvironment(cores = Infinity): Record<string, string> {
  return { GOGC: '400', ...(cores <= FEW_CORES ? { GOMAXPROCS: '1' } : {}) };
}

/**
 * Actors that a node has many of, and that allocate little, get a small young generation: 9 MiB less each. Kubelet and
 * kube-proxy spawn programs, which costs more the larger they are. In a store nearly all that is young when a snapshot is
 * loaded lives on: at 16 MiB, copying it holds the event loop for 15 to 25 ms at a time, at 4 MiB for less than 5. What passes
 * through it are buffers, which count towards the limit of the old generation: left to itself, that is so close above what lives
 * that a sixth of all processor time under full load is marking it again and again.
 *
 * Requests of an API actor live for milliseconds. V8 would find some parts of them to outlive the young generation now and then, make
 * all later ones in the old one at once, and there each keeps its whole request until that is collected: what it took to be true comes true.
 * With hundreds of them at a time, 16 MiB are full before they are answered; at 32 MiB fewer are copied. The bytes in which it tells
 * objects lie outside of V8's heap: on their own, the first 64 MiB that a large list makes of them would be the reason for a full
 * collection, whose end holds the event loop for 20 ms.
 *
 * Both share the machine's cores with each other: threads that help to copy a small young generation cost more than they save.
 */
export function nodeFlags(actor: ActorName): string[] {
  if (actor === 'store') return ['--max-semi-space-size=4', '--heap-growing-percent=100', '--no-parallel-scavenge'];
  if (actor === 'apiserver')
    return [
      '--no-allocation-site-pretenuring',
      '--max-semi-space-size=32',
      '--no-parallel-scavenge',
      '--external-memory-accounted-in-global-limit',
    ];
  return actor === 'kubelet' || actor === 'kube-proxy' || actor === 'dns' ? ['--max-semi-space-size=2'] : [];
}

/** Actors that run with the same flags, together. */
export function runtimesOf(actors: readonly ActorName[]): { flags: string[]; actors: ActorName[] }[] {
  const byFlags = Map.groupBy(actors, (actor) => nodeFlags(actor).join(' '));
  return [...byFlags.values()].map((alike) => ({ flags: nodeFlags(alike[0]!), actors: alike }));
}

/**
 * An arena for each thread keeps what a store has long given back: with 100,000 keys some 40 MiB. And a threshold that is given does
 * not move: else the first chunk of values that goes teaches malloc to put all later ones where gaps stay, another 10 MiB.
 */
export function nodeEnvironment(actor: ActorName): Record<string, string> {
  return actor === 'store' ? { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' } : {};
}
