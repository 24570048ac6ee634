// Decides what a cluster in containers must do, as stories in the order in which they are played on one cluster. Never
// starts an Engine.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHAOS_STORIES } from './chaos-stories.ts';
import { remainsOf } from './remains.ts';
import type { PodRow, Project } from './project.ts';
import { eventually, must, run } from './shell.ts';

export interface World {
  project: Project;
  /** For files of the test. */
  directory: string;
}

export interface Story {
  title: string;
  /** What follows makes no sense without it. */
  isVital?: boolean;
  story(world: World): Promise<void>;
}

const uids = (pods: readonly PodRow[]): string[] => pods.map((pod) => pod.metadata.uid).toSorted();

async function served(project: Project, count: number): Promise<PodRow[]> {
  const pods = await project.untilReady(count);
  await project.untilAllAnswer(pods, () => project.fromHost());
  await project.untilAllAnswer(pods, () =>
    project.inPod(pods[0]!, 'wget', '-qO-', 'http://web.default.svc.cluster.local/'),
  );
  return pods;
}

/** A pod that was given a node before the last node had come stays there, as everywhere: made anew, it finds the empty one. */
async function spreadOut(project: Project): Promise<void> {
  await eventually('three ready nodes', async () =>
    (await project.flotilla('get', 'nodes')).match(/ Ready /g)?.length === 3 ? true : undefined,
  );
  const taken = new Set<string>();
  for (const { metadata, spec } of await project.readyPods())
    if (taken.has(spec.nodeName!)) await project.flotilla('delete', 'pod', metadata.name);
    else taken.add(spec.nodeName!);
}

/** A write is acknowledged, and the pods follow it. */
async function scaled(project: Project, replicas: number): Promise<void> {
  await eventually(`a write (${replicas} replicas)`, async () => {
    await project.flotilla('scale', 'deployment/web', `--replicas=${replicas}`);
    return true;
  });
  await project.untilReady(replicas);
}

/** Everything is stopped and started by `act`: the objects are the same, and the pods serve again. */
async function survives(project: Project, act: () => Promise<unknown>): Promise<void> {
  const before = uids(await project.untilReady(3));
  await act();
  await eventually('the API to answer', async () =>
    (await project.flotilla('get', 'nodes')) === '' ? undefined : true,
  );
  const after = await served(project, 3);
  assert.deepEqual(uids(after), before, 'the pods are other ones');
}

export const STORIES: readonly Story[] = [
  {
    title: 'docker-compose builds both images',
    isVital: true,
    story: async ({ project }) => void (await project.compose('build')),
  },
  {
    title: 'up -d, and the very next command may apply examples/web.yaml: ready pods on three nodes',
    isVital: true,
    story: async ({ project }) => {
      await project.compose('up', '-d');
      const applied = await project.compose('exec', '-T', 'apiserver', 'flotilla', 'apply', '-f', 'examples/web.yaml');
      assert.match(applied, /deployment\.apps\/web created/);
      await project.untilReady(3);
      await spreadOut(project);
      const pods = await project.untilReady(3);
      assert.equal(new Set(pods.map((pod) => pod.spec.nodeName)).size, 3);
    },
  },
  {
    title: 'the Service answers in the cluster by name and address, and from the host',
    isVital: true,
    story: async ({ project }) => {
      const [pod] = await served(project, 3);
      const { spec } = await project.get<{ spec: { clusterIP: string } }>('service', 'web');
      const pods = await project.readyPods();
      await project.untilAllAnswer(pods, () => project.inPod(pod!, 'wget', '-qO-', `http://${spec.clusterIP}/`));
    },
  },
  {
    title: 'what the audit policy names is in the audit log of the API that was asked',
    story: async ({ project }) => {
      await eventually('the apply to be told', async () => {
        const files = [
          await project.exec('apiserver', ['cat', '/flotilla/logs/audit.log']),
          await project.exec('apiserver-2', ['cat', '/flotilla/logs/audit-apiserver-2.log']),
        ];
        return files.some(({ out }) => /"resource":"deployments","namespace":"default","name":"web"/.test(out));
      });
    },
  },
  {
    title: 'every container tells that it is healthy',
    story: async ({ project }) => {
      await eventually('all containers to be healthy', async () => {
        const ids = (await project.compose('ps', '-q')).split('\n').filter(Boolean);
        const rows = (
          await project.docker(
            'inspect',
            '-f',
            '{{.Name}} {{with .State.Health}}{{.Status}}{{else}}{{$.State.ExitCode}}{{end}}',
            ...ids,
          )
        )
          .trim()
          .split('\n');
        const ill = rows.filter((row) => !/ (healthy|0)$/.test(row));
        if (ill.length > 0) throw new Error(ill.join(', '));
        return true;
      });
    },
  },
  {
    title: "kubectl on the host works with the kubeconfig that was copied out, and reads a pod's log",
    story: async ({ project, directory }) => {
      const file = join(directory, 'kubeconfig');
      writeFileSync(file, await project.flotilla('kubeconfig'), { mode: 0o600 });
      const kubectl = (await run(['kubectl', 'version', '--client'])).code === 0;
      // The same file through our own client, where kubectl is not on this machine.
      const client = kubectl
        ? ['kubectl', '--kubeconfig', file]
        : [process.execPath, join(project.place.root, 'cli/main.ts'), '--kubeconfig', file];
      assert.equal((await must([...client, 'get', 'nodes'])).match(/ Ready /g)?.length, 3);
      assert.match(await must([...client, 'get', 'deployment', 'web']), /3\/3/);
      const [pod] = await project.readyPods();
      await must([...client, 'logs', pod!.metadata.name]);
    },
  },
  {
    title: 'status, store status and trace tell of the whole cluster from inside the apiserver',
    story: async ({ project }) => {
      const status = await project.flotilla('status');
      for (const name of [
        'nats',
        'store-3',
        'apiserver-2',
        'scheduler-2',
        'controller-manager-2',
        'dns-1',
        'kubelet-node-3',
      ])
        assert.match(status, new RegExp(`^${name} +running`, 'm'));
      assert.deepEqual([...(await project.members()).keys()], ['store-1', 'store-2', 'store-3']);
      assert.match(await project.flotilla('trace', 'deployment/web'), /kubelet-node-\d/);
    },
  },
  {
    title: 'no container is privileged, none sees the credential of another, and no image holds one',
    story: async ({ project }) => {
      const seeds = async (service: string): Promise<string[]> =>
        (await project.exec(service, ['ls', '/flotilla/nkeys'])).out.split('\n').filter(Boolean).toSorted();
      assert.deepEqual(await seeds('store-1'), ['store-1.seed']);
      assert.deepEqual(await seeds('node-2'), ['kube-proxy-node-2.seed', 'kubelet-node-2.seed']);
      assert.deepEqual(await seeds('apiserver'), ['apiserver-1.seed', 'observer.seed', 'operator.seed']);
      for (const service of ['node-1', 'store-1', 'nats', 'apiserver'])
        assert.equal(await project.inspect(service, '.HostConfig.Privileged'), false);
      for (const image of ['flotilla/control:local', 'flotilla/node:local']) {
        const search = "find / -xdev \\( -name '*.seed' -o -path '*flotilla*.key' -o -name tokens.csv \\) -print";
        assert.equal(await project.docker('run', '--rm', '--network', 'none', image, 'sh', '-c', search), '');
      }
    },
  },
  {
    title: 'kubelet, kube-proxy and containerd of a node die alone, and come back; its pod never notices',
    story: async ({ project }) => {
      const before = uids(await project.readyPods());
      for (const program of ['kubelet', 'kube-proxy', 'containerd']) {
        const pidFile = `/flotilla/run/${program}-node-1.pid`;
        const script = `p=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' ${pidFile}) && kill -9 $p && echo $p`;
        const { out } = await project.exec('node-1', ['sh', '-c', script]);
        await eventually(`${program} to be back`, async () => {
          const { out: record } = await project.exec('node-1', ['cat', pidFile]);
          const { code } = await project.exec('node-1', ['node', '/opt/flotilla/launcher/compose/health.ts']);
          return code === 0 && !record.includes(`"pid":${out.trim()},`) ? true : undefined;
        });
      }
      const pods = await served(project, 3);
      assert.deepEqual(uids(pods), before);
      const restarts = await project.get<{
        items: Array<{ status: { containerStatuses: Array<{ restartCount: number }> } }>;
      }>('pods', '-l', 'app=web');
      for (const { status } of restarts.items) assert.equal(status.containerStatuses[0]!.restartCount, 0);
    },
  },
  {
    title: "kill -9 of the store's leader: another leads, writes go on, and Docker brings it back as a follower",
    story: async ({ project }) => {
      const leader = await project.leader();
      await project.crash(leader);
      await eventually('another leader', async () => ((await project.leader()) === leader ? undefined : true));
      await scaled(project, 4);
      await eventually(`${leader} to follow`, async () =>
        (await project.members()).get(leader) === 'follower' ? true : undefined,
      );
      await scaled(project, 3);
    },
  },
  {
    title: 'kill -9 of the leading scheduler and controller manager: the others take over',
    story: async ({ project }) => {
      const killed: string[] = [];
      for (const lease of ['scheduler', 'controller-manager']) {
        const leader = await holderOf(project, lease);
        killed.push(leader);
        await project.docker('kill', '-s', 'KILL', await project.container(leader));
      }
      await scaled(project, 5);
      for (const [i, lease] of ['scheduler', 'controller-manager'].entries())
        assert.notEqual(await holderOf(project, lease), killed[i]);
      await project.compose('start', ...killed);
      await scaled(project, 3);
    },
  },
  {
    title: 'docker-compose restart keeps every object, and what ran runs again',
    story: ({ project }) => survives(project, () => project.compose('restart', '-t', '5')),
  },
  {
    title: 'docker-compose stop and start keep every object, and what ran runs again',
    story: ({ project }) =>
      survives(project, async () => {
        await project.compose('stop', '-t', '5');
        await project.compose('start');
      }),
  },
  ...CHAOS_STORIES,
  {
    title: 'profile five: two members join the running store, and then any two may die',
    story: async ({ project }) => {
      project.profiles = ['five'];
      await project.compose('up', '-d');
      await eventually('five members', async () => {
        const { out } = await run(['docker', 'logs', await project.container('join')], { env: project.env });
        return out.includes('has 5 members') ? true : undefined;
      });
      const leader = await project.leader();
      const other = [...(await project.members()).keys()].find((member) => member !== leader)!;
      for (const member of [leader, other]) await project.docker('kill', await project.container(member));
      await scaled(project, 4);
      await project.compose('start', leader, other);
      await eventually('five members that answer', async () => {
        const roles = [...(await project.members()).values()];
        return roles.length === 5 && roles.every((role) => role === 'leader' || role === 'follower') ? true : undefined;
      });
      await scaled(project, 3);
    },
  },
  {
    title: 'profile ha: a bus of three servers, and the first of them may die',
    story: async ({ project }) => {
      project.profiles = ['five', 'ha'];
      await project.compose('up', '-d');
      await eventually('three servers of the bus', async () => {
        const status = await project.flotilla('status');
        return ['nats', 'nats-2', 'nats-3'].every((name) => new RegExp(`^${name} +running`, 'm').test(status))
          ? true
          : undefined;
      });
      await project.docker('kill', await project.container('nats'));
      await scaled(project, 4);
      await project.compose('start', 'nats');
      await scaled(project, 3);
      await served(project, 3);
    },
  },
  {
    title: 'down -v leaves nothing: no container, volume, network, control group, mount, rule or route',
    story: async ({ project }) => {
      const filter = `label=com.docker.compose.project=${project.place.name}`;
      const containers = (await project.docker('ps', '-aq', '--no-trunc', '--filter', filter))
        .split('\n')
        .filter(Boolean);
      const before = await remainsOf({ ...project.place, containers }, project.env);
      assert.ok(
        before.some((line) => line.startsWith('control group')),
        'what is looked for is there before',
      );
      await project.compose('down', '-v', '-t', '5');
      await eventually('nothing to be left', async () => {
        const left = await remainsOf({ ...project.place, containers }, project.env);
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      });
    },
  },
];

function holderOf(project: Project, lease: string): Promise<string> {
  return eventually(`a holder of the lease ${lease}`, async () => (await project.holder(`kube-${lease}`)) || undefined);
}
