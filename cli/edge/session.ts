// Does: opens the way to a cluster for one command: kubeconfig, HTTPS, discovery, the terminal. Never decides what the
// command does.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { ApiError, type Status } from '../../lib/base/errors.ts';
import { parseYaml } from '../../lib/api/yaml.ts';
import type { ApiRequest } from '../../lib/bus/messages.ts';
import { Client } from '../../lib/client/client.ts';
import {
  HttpsTransport,
  type HttpsServer,
  type SendOptions,
  type StreamAnswer,
} from '../../lib/client/https-transport.ts';
import { ResourceIndex, UsageError } from '../core/resources.ts';
import { discover } from './discovery.ts';

/** What every command that speaks to the API may be told. */
export interface SessionArguments {
  home: string;
  kubeconfig?: string | undefined;
  namespace?: string | undefined;
}

export interface Session {
  readonly client: Client;
  readonly transport: HttpsTransport;
  readonly namespace: string;
  /** What the server serves; asked once. */
  resources(): Promise<ResourceIndex>;
  /** Any request; throws ApiError for a refusal, prints warnings as kubectl does. */
  send<T>(request: ApiRequest, options?: SendOptions): Promise<T>;
  /** A body that goes on; throws ApiError when the answer is a refusal. */
  stream(request: ApiRequest, options?: SendOptions): Promise<StreamAnswer>;
  close(): void;
}

interface Kubeconfig {
  clusters?: Array<{ name: string; cluster: Record<string, string | boolean | undefined> }>;
  users?: Array<{ name: string; user: Record<string, string | undefined> }>;
  contexts?: Array<{ name: string; context: { cluster: string; user: string; namespace?: string } }>;
  'current-context'?: string;
}

export function openSession(args: SessionArguments): Session {
  const { server, namespace } = readKubeconfig(kubeconfigPath(args));
  const transport = new HttpsTransport(server);
  let index: Promise<ResourceIndex> | undefined;
  const session: Session = {
    client: new Client(transport),
    transport,
    namespace: args.namespace ?? namespace,
    resources: () => (index ??= discover(transport)),
    async send<T>(request: ApiRequest, options?: SendOptions): Promise<T> {
      const answer = await transport.request(request, options);
      for (const warning of answer.warnings ?? []) console.error(`Warning: ${warning}`);
      if (answer.code >= 400) throw ApiError.fromStatus(answer.body as Partial<Status>, answer.code);
      return answer.body as T;
    },
    async stream(request, options) {
      const answer = await transport.open(request, options);
      if (answer.code < 400) return answer;
      throw ApiError.fromStatus(await readStatus(answer), answer.code);
    },
    close: () => transport.close(),
  };
  return session;
}

/** The cluster's own file; then what kubectl would take. */
function kubeconfigPath(args: SessionArguments): string {
  if (args.kubeconfig !== undefined) return args.kubeconfig;
  const own = resolve(args.home.replace(/^~(?=\/|$)/, homedir()), 'kubeconfig');
  if (existsSync(own)) return own;
  const usual = process.env['KUBECONFIG']?.split(':')[0] ?? resolve(homedir(), '.kube/config');
  if (existsSync(usual)) return usual;
  throw new UsageError(
    `there is no cluster in ${resolve(own, '..')}: start one with \`flotilla up\`, or name another with --home or --kubeconfig`,
  );
}

export function readKubeconfig(path: string): { server: HttpsServer; namespace: string } {
  let config: Kubeconfig;
  try {
    config = (parseYaml(readFileSync(path, 'utf8'))[0]?.value ?? {}) as Kubeconfig;
  } catch (error) {
    throw new UsageError(`cannot read the kubeconfig ${path}: ${(error as Error).message}`);
  }
  const context = config.contexts?.find((each) => each.name === config['current-context'])?.context;
  const cluster = config.clusters?.find((each) => each.name === context?.cluster)?.cluster;
  const user = config.users?.find((each) => each.name === context?.user)?.user;
  if (context === undefined || cluster?.['server'] === undefined)
    throw new UsageError(`the kubeconfig ${path} has no current context with a server`);
  const ca = pem(cluster, 'certificate-authority');
  const cert = pem(user, 'client-certificate');
  const key = pem(user, 'client-key');
  return {
    server: {
      server: String(cluster['server']),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(user?.['token'] === undefined ? {} : { token: user['token'] }),
      ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    },
    namespace: context.namespace ?? 'default',
  };
}

/** `<field>-data` holds it as base64, `<field>` names a file. */
function pem(from: Record<string, string | boolean | undefined> | undefined, field: string): string | undefined {
  const data = from?.[`${field}-data`];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
  const file = from?.[field];
  return typeof file === 'string' ? readFileSync(file, 'utf8') : undefined;
}

async function readStatus(answer: StreamAnswer): Promise<Partial<Status>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as Partial<Status>;
  } catch {
    return { message: text.trim(), code: answer.code };
  }
}
