// Decides what Docker's answers mean for chaos: which containers a compose project has, which processes live in each and
// where it can be reached. Never asks Docker.

/** One container of a cluster under docker-compose. */
export interface Container {
  id: string;
  /** The id of the image that it runs: its name may mean another one by now. */
  image: string;
  project: string;
  /** Directory of the docker-compose.yml that it was made from. */
  directory: string;
  service: string;
  /** Names of the processes in it, as the cluster's plan calls them. */
  units: string[];
  /** It is this node: its processes have a supervisor of their own inside. */
  node?: string;
  state: 'running' | 'paused' | 'stopped';
  pid?: number;
  /** Volume with its home. */
  volume?: string;
  /** Of the networks that it is on now. */
  networks: string[];
  /** `address:port` on the host, one for each port that is published. */
  published: string[];
}

const COMPOSE = 'com.docker.compose';

interface Inspected {
  Id: string;
  Image: string;
  State: { Running?: boolean; Paused?: boolean; Restarting?: boolean; Pid?: number };
  Config: { Labels?: Record<string, string> | null };
  HostConfig: { PortBindings?: Record<string, Array<{ HostIp?: string; HostPort?: string }> | null> | null };
  Mounts?: Array<{ Type: string; Name?: string; Destination: string }>;
  NetworkSettings: { Networks?: Record<string, unknown> | null };
}

/** From `docker inspect`: whatever bears the labels of docker-compose.yml; anything else is left out. */
export function containersOf(inspected: string): Container[] {
  return (JSON.parse(inspected) as Inspected[]).flatMap((one): Container[] => {
    const labels = one.Config.Labels ?? {};
    const [units, project] = [labels['flotilla.instance'], labels[`${COMPOSE}.project`]];
    if (units === undefined || project === undefined) return [];
    const node = labels['flotilla.node'];
    const volume = one.Mounts?.find(({ Type, Destination }) => Type === 'volume' && Destination === HOME)?.Name;
    const pid = one.State.Pid ?? 0;
    return [
      {
        id: one.Id,
        image: one.Image,
        project,
        directory: labels[`${COMPOSE}.project.working_dir`] ?? '',
        service: labels[`${COMPOSE}.service`] ?? '',
        units: units.split(' ').filter((name) => name !== ''),
        ...(node === undefined ? {} : { node }),
        state: stateOf(one.State),
        ...(pid === 0 ? {} : { pid }),
        ...(volume === undefined ? {} : { volume }),
        networks: Object.keys(one.NetworkSettings.Networks ?? {}),
        published: publishedBy(one.HostConfig.PortBindings ?? {}),
      },
    ];
  });
}

/** Of every container; the launcher's layout says so. */
const HOME = '/flotilla';

/** Between two attempts Docker calls a container running whose process is dead. */
function stateOf({ Running, Paused, Restarting }: Inspected['State']): Container['state'] {
  if (Running !== true || Restarting === true) return 'stopped';
  return Paused === true ? 'paused' : 'running';
}

/** What the file asks for, which a stopped container keeps; all addresses include the loopback. */
function publishedBy(bindings: NonNullable<Inspected['HostConfig']['PortBindings']>): string[] {
  return Object.values(bindings)
    .flatMap((each) => each ?? [])
    .filter(({ HostPort }) => HostPort !== undefined && HostPort !== '')
    .map(
      ({ HostIp, HostPort }) => `${['', '0.0.0.0', '::'].includes(HostIp ?? '') ? '127.0.0.1' : HostIp}:${HostPort}`,
    );
}

/** What a person calls it: projects of one directory first. */
export interface Wanted {
  /** undefined: the one of this directory. */
  project?: string | undefined;
  /** Any of these counts as `this directory`. */
  directories: readonly string[];
}

/** Name of the project that is meant; a text instead says why there is none. */
export function projectOf(
  containers: readonly Container[],
  { project, directories }: Wanted,
): { project: string } | { why: string } {
  const all = [...new Set(containers.map((each) => each.project))].toSorted();
  const there = all.length === 0 ? 'Docker has no container of Flotilla' : `there are ${all.join(', ')}`;
  if (project !== undefined)
    return all.includes(project)
      ? { project }
      : { why: `there is no compose project ${project} with a cluster: ${there}` };
  const here = all.filter((name) =>
    containers.some((each) => each.project === name && directories.includes(each.directory)),
  );
  if (here.length === 1) return { project: here[0]! };
  if (here.length > 1)
    return { why: `${here.join(', ')} are compose projects of this directory: say which one with --compose=NAME` };
  return { why: `no compose project of ${directories.join(' or ')} has a cluster: ${there} (--compose=NAME)` };
}
