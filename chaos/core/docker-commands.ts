// Decides which docker commands break a container, and which ones take it back, given how the container is now. Never runs
// one. Processes that share a container (those of a node) are not its matter, but the node itself is.
import type { Fault } from '../contract.ts';
import type { Container } from './containers.ts';

export type Commands = string[][];

export type ContainerFault = Extract<Fault, { type: 'kill' | 'pause' | 'restart' | 'kill-node' | 'cut-node' }>;

/** Where a container belongs when it is on its network. */
export interface Place {
  network: string;
  address: string;
}

/** As long as the launcher's supervisor gives a process to drain. */
const DRAIN_SECONDS = 30;

export function breakingCommands(fault: ContainerFault, container: Container, place: Place): Commands {
  const { id } = container;
  // Docker signals nobody who is paused.
  const awake = container.state === 'paused' ? [['docker', 'unpause', id]] : [];
  switch (fault.type) {
    case 'kill':
    case 'kill-node':
      // What is killed through Docker counts as stopped by its owner: the restart policy leaves it alone until `start`.
      return [...awake, ['docker', 'kill', id]];
    case 'pause':
      return container.state === 'paused' ? [] : [['docker', 'pause', id]];
    case 'restart':
      return [...awake, ['docker', 'restart', '--time', String(DRAIN_SECONDS), id]];
    case 'cut-node':
      return container.networks.includes(place.network) ? [['docker', 'network', 'disconnect', place.network, id]] : [];
  }
}

/** Nothing where nothing is broken any more: healing twice is harmless. */
export function healingCommands(fault: ContainerFault, container: Container, place: Place): Commands {
  const { id, state, service } = container;
  switch (fault.type) {
    case 'kill':
    case 'kill-node':
    case 'restart':
      return state === 'stopped' ? [['docker', 'start', id]] : [];
    case 'pause':
      return state === 'paused' ? [['docker', 'unpause', id]] : [];
    case 'cut-node':
      // Docker has forgotten both with the connection: certificates and routes name the address, people the alias.
      return container.networks.includes(place.network)
        ? []
        : [['docker', 'network', 'connect', '--ip', place.address, '--alias', service, place.network, id]];
  }
}

export interface HandPlan {
  name: string;
  network: string;
  containers: readonly Container[];
  /** Program in the image, and its arguments. */
  program: readonly string[];
}

/**
 * The container that chaos has for as long as it lasts: in the cluster's network, with the homes of those that it must reach
 * inside. Of its own, because one that is borrowed would be paused and killed with its owner.
 */
export function handCommand({ name, network, containers, program }: HandPlan): string[] {
  const apiserver = containers.find(({ units, volume }) => volume !== undefined && units.some(isApiserver));
  if (apiserver === undefined)
    throw new Error(
      'there is no container of an API actor: its volume holds what the cluster is and its owner’s credential',
    );
  const mounts = containers.flatMap(({ service, volume, node, units }) => {
    if (volume === undefined) return [];
    // Bits are flipped in a store's files; a node's volume has the socket of its supervisor.
    if (units.some((unit) => unit.startsWith('store-'))) return [`--volume=${volume}:/homes/${service}`];
    return node === undefined ? [] : [`--volume=${volume}:/homes/${service}:ro`];
  });
  const run = 'docker run --interactive --rm --read-only --tmpfs /tmp --cap-drop ALL'.split(' ');
  return [
    ...run,
    '--security-opt=no-new-privileges:true',
    `--name=${name}`,
    `--label=flotilla.chaos=${apiserver.project}`,
    `--network=${network}`,
    `--volume=${apiserver.volume}:/flotilla:ro`,
    ...mounts,
    apiserver.image,
    ...program,
  ];
}

const isApiserver = (unit: string): boolean => unit.startsWith('apiserver-');
