// Does: writes ConfigMaps through the API as fast as a few clients can, and keeps who was acknowledged, when. Never
// counts a write that was not answered with success.
import { TestCluster } from './cluster.ts';
import { readFileSync } from 'node:fs';
import { request, Agent } from 'node:https';
import { parse } from 'yaml';

export interface WriteLoad {
  readonly namespace: string;
  /** How many are acknowledged by now. */
  written(): number;
  stop(): Promise<{ acknowledged: string[]; refused: number; longestGapMs: number }>;
}

interface Kubeconfig {
  clusters: Array<{ cluster: { server: string; 'certificate-authority-data': string } }>;
  users: Array<{ user: { 'client-certificate-data': string; 'client-key-data': string } }>;
}

export async function writeLoad(cluster: TestCluster, name: string, clients = 8): Promise<WriteLoad> {
  const namespace = `load-${name}`;
  await cluster
    .must('create', 'namespace', namespace)
    .catch(() => cluster.apply(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"${namespace}"}}`));
  const post = poster(cluster, `/api/v1/namespaces/${namespace}/configmaps`);
  const acknowledged: string[] = [];
  let [refused, number, longestGapMs, last] = [0, 0, 0, performance.now()];
  let stopping = false;
  const work = Array.from({ length: clients }, async () => {
    while (!stopping) {
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `w${number++}` },
        data: { at: String(Date.now()) },
      };
      const code = await post(JSON.stringify(object)).catch(() => 0);
      if (code === 201) {
        acknowledged.push(object.metadata.name);
        longestGapMs = Math.max(longestGapMs, Math.round(performance.now() - last));
        last = performance.now();
      } else {
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  return {
    namespace,
    written: () => acknowledged.length,
    async stop() {
      stopping = true;
      await Promise.all(work);
      return { acknowledged, refused, longestGapMs };
    },
  };
}

function poster(cluster: TestCluster, path: string): (body: string) => Promise<number> {
  const config = parse(readFileSync(`${cluster.home}/kubeconfig`, 'utf8')) as Kubeconfig;
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const { user } = config.users[0]!;
  const { server, 'certificate-authority-data': ca } = config.clusters[0]!.cluster;
  const agent = new Agent({
    keepAlive: true,
    ca: bytes(ca),
    cert: bytes(user['client-certificate-data']),
    key: bytes(user['client-key-data']),
  });
  return (body) =>
    new Promise((resolve, reject) => {
      const sent = request(
        `${server}${path}`,
        {
          agent,
          method: 'POST',
          timeout: 30_000,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', reject);
        },
      );
      sent.on('timeout', () => sent.destroy(new Error('timeout')));
      sent.on('error', reject);
      sent.end(body);
    });
}
