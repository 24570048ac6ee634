// Does: runs a real kube-apiserver over an etcd of its own, from the programs of the folder $UPSTREAM (etcd: there or in the
// path), with the users of tokens.csv. No controllers beside it: what is recorded hangs on requests alone. Never compares.
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askHttps } from '../../kit/api-server.ts';
import { adminCredentials, layApiFiles, type ApiCredentials } from '../../kit/api-settings.ts';
import { endChild } from '../../kit/end-child.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import type { Asked } from './ask.ts';

export interface Peer extends Asked {
  readonly url: string;
  readonly credentials: ApiCredentials;
  readonly pids: { apiserver: number; etcd: number };
  stop(): Promise<void>;
}

export const TOKENS = fileURLToPath(new URL('tokens.csv', import.meta.url));
/** The first answers wait for roles, flow schemas and API services to be made. */
const START_LIMIT_MS = 300_000;

export const hasPeer = (): boolean => existsSync(join(process.env['UPSTREAM'] ?? '', 'kube-apiserver'));

/** Its etcd writes through to the disk (`isDurable`) only for who measures. */
export async function startPeer(flags: readonly string[] = [], { isDurable = false } = {}): Promise<Peer> {
  const folder = process.env['UPSTREAM'] ?? '';
  if (!hasPeer())
    throw new Error(
      `no kube-apiserver in ${JSON.stringify(folder)}: set UPSTREAM to a folder that has Kubernetes' kube-apiserver`,
    );
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-upstream-'));
  const [port, etcdPort, etcdPeerPort] = (await freePorts(3)) as [number, number, number];
  const authority = await layApiFiles(directory);
  const credentials = await adminCredentials(directory, authority);
  writeFileSync(join(directory, 'accounts.key'), accountKey());
  const ownEtcd = join(folder, 'etcd');
  const durability = isDurable ? [] : ['--unsafe-no-fsync'];
  const etcd = begin(existsSync(ownEtcd) ? ownEtcd : 'etcd', directory, [
    ...etcdFlags(etcdPort, etcdPeerPort),
    ...durability,
  ]);
  const apiserver = begin(join(folder, 'kube-apiserver'), directory, [...apiFlags(port, etcdPort), ...flags]);
  const children = [etcd, apiserver];
  const peer: Peer = {
    url: `https://127.0.0.1:${port}`,
    credentials,
    pids: { apiserver: apiserver.pid ?? 0, etcd: etcd.pid ?? 0 },
    http: (method, path, options = {}) => askHttps({ port, caPem: authority.certPem }, method, path, options),
    async stop() {
      for (const child of children) await endChild(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await untilReady(peer, directory, children).catch(async (error: unknown) => {
    await peer.stop();
    throw error;
  });
  return peer;
}

async function untilReady(peer: Peer, directory: string, children: readonly ChildProcess[]): Promise<void> {
  const log = (): string =>
    readFileSync(join(directory, 'kube-apiserver.log'), 'utf8').split('\n').slice(-8).join('\n');
  await eventually(
    'the real server to be ready',
    async () => {
      if (children.some((child) => child.exitCode !== null)) return true;
      return (await peer.http('GET', '/readyz', { token: 'admin' })).code === 200;
    },
    START_LIMIT_MS,
  );
  if (children.some((child) => child.exitCode !== null)) throw new Error(`the real server ended:\n${log()}`);
}

const etcdFlags = (port: number, peerPort: number): string[] => [
  '--data-dir=etcd-data',
  `--listen-client-urls=http://127.0.0.1:${port}`,
  `--advertise-client-urls=http://127.0.0.1:${port}`,
  `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
  `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
  `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
];

const apiFlags = (port: number, etcdPort: number): string[] => [
  `--etcd-servers=http://127.0.0.1:${etcdPort}`,
  `--secure-port=${port}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=10.0.0.1',
  '--tls-cert-file=server.crt',
  '--tls-private-key-file=server.key',
  '--client-ca-file=ca.crt',
  `--token-auth-file=${TOKENS}`,
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  '--service-account-key-file=accounts.key',
  '--service-account-signing-key-file=accounts.key',
  '--service-cluster-ip-range=10.96.0.0/16',
  '--allow-privileged=true',
];

/** Of ServiceAccounts' tokens: ours is in a form that the real one does not read. */
const accountKey = (): string =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

function begin(program: string, directory: string, flags: readonly string[]): ChildProcess {
  const log = openSync(join(directory, `${program.split('/').at(-1)}.log`), 'w');
  const child = spawn(program, flags, { cwd: directory, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}
