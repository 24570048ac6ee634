// Shows how Docker's answers are read: processes, states, ports and volumes of containers, and which project is meant.
import test from 'ava';
import { containersOf, projectOf, type Container } from './containers.ts';

interface Parts {
  project?: string;
  directory?: string;
  labels?: Record<string, string>;
  State?: object;
  PortBindings?: object | null;
  Networks?: object | null;
}

function inspected({ project = 'shop', directory = '/src', labels = {}, ...parts }: Parts = {}): object {
  return {
    Id: 'abc',
    Image: 'sha256:1',
    State: parts.State ?? { Status: 'running', Running: true, Paused: false, Restarting: false, Pid: 4711 },
    Config: {
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.project.working_dir': directory,
        'com.docker.compose.service': 'node-2',
        'flotilla.instance': 'containerd-node-2 kubelet-node-2',
        ...labels,
      },
    },
    HostConfig: { PortBindings: parts.PortBindings ?? null },
    Mounts: [
      { Type: 'tmpfs', Destination: '/run' },
      { Type: 'volume', Name: 'shop_node-2', Destination: '/flotilla' },
    ],
    NetworkSettings: { Networks: parts.Networks === undefined ? { shop_fleet: {} } : parts.Networks },
  };
}

const read = (...parts: Parts[]): Container[] => containersOf(JSON.stringify(parts.map(inspected)));

test('a container is known by its labels, with the processes that live in it', (t) => {
  t.deepEqual(read({ labels: { 'flotilla.node': 'node-2' } }), [
    {
      id: 'abc',
      image: 'sha256:1',
      project: 'shop',
      directory: '/src',
      service: 'node-2',
      units: ['containerd-node-2', 'kubelet-node-2'],
      node: 'node-2',
      state: 'running',
      pid: 4711,
      volume: 'shop_node-2',
      networks: ['shop_fleet'],
      published: [],
    },
  ]);
});

test('what is no part of a cluster is left out', (t) => {
  const bare = { ...inspected(), Config: { Labels: null } };
  const alone = { ...inspected(), Config: { Labels: { 'flotilla.instance': 'store-1' } } };
  t.deepEqual(containersOf(JSON.stringify([bare, alone])), []);
  t.deepEqual(containersOf('[]'), []);
});

test('paused is running too for Docker, and so is what waits for its next start', (t) => {
  const states = [
    { Running: true, Paused: true },
    { Running: true, Restarting: true },
    { Running: false, Pid: 0 },
  ];
  t.deepEqual(
    read(...states.map((State) => ({ State }))).map(({ state }) => state),
    ['paused', 'stopped', 'stopped'],
  );
  t.is(read({ State: { Running: false, Pid: 0 } })[0]!.pid, undefined);
});

test('published ports are those of the file; every address includes the loopback', (t) => {
  const PortBindings = {
    '6443/tcp': [
      { HostIp: '127.0.0.1', HostPort: '6444' },
      { HostIp: '', HostPort: '7000' },
    ],
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '', HostPort: '' },
    ],
    '81/tcp': null,
  };
  t.deepEqual(read({ PortBindings })[0]!.published, ['127.0.0.1:6444', '127.0.0.1:7000', '127.0.0.1:8080']);
  t.deepEqual(read({ Networks: null })[0]!.networks, []);
});

test('the project of this directory is meant, unless one is named', (t) => {
  const all = read({ project: 'shop' }, { project: 'test', directory: '/other' });
  t.deepEqual(projectOf(all, { directories: ['/here', '/src'] }), { project: 'shop' });
  t.deepEqual(projectOf(all, { project: 'test', directories: ['/src'] }), { project: 'test' });
});

test('where none or several are meant, it is said what there is', (t) => {
  const why = (containers: Container[], project?: string): string => {
    const found = projectOf(containers, { project, directories: ['/src'] });
    return 'why' in found ? found.why : `found ${found.project}`;
  };
  t.is(why([]), 'no compose project of /src has a cluster: Docker has no container of Flotilla (--compose=NAME)');
  t.is(why(read({ directory: '/other' })), 'no compose project of /src has a cluster: there are shop (--compose=NAME)');
  t.is(
    why(read({}, { project: 'test' })),
    'shop, test are compose projects of this directory: say which one with --compose=NAME',
  );
  t.is(why(read({}), 'test'), 'there is no compose project test with a cluster: there are shop');
});
