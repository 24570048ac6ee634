// Does: runs a real API actor in this process, on a memory bus with a store, on a free HTTPS port with certificates of its
// own; and speaks to it as any HTTPS client would. Never outlives its test: `stop` takes everything away.
import { request as httpsRequest } from 'node:https';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActorContext, RunningActor } from '../../lib/actor/context.ts';
import type { ApiserverSettings } from '../../lib/actor/settings.ts';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import { silentLog, type Log } from '../../lib/base/log.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import type { ApiRequest, ApiResponse, Span, TraceQuery } from '../../lib/bus/messages.ts';
import { patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import { openAuthority } from '../../launcher/edge/certificates.ts';
import { start } from '../../services/apiserver/main.ts';
import { apiSettings, layApiFiles } from './api-settings.ts';
import { FakeStore } from './fake-store.ts';
import { freePorts } from './free-ports.ts';

export const ADMIN_TOKEN = 'admin-token';
const CLUSTER = 'c1';
const TOKENS = [
  `${ADMIN_TOKEN},admin,1,"system:masters"`,
  'bob-token,bob,2,"developers"',
  'node-1-token,system:node:node-1,3,"system:nodes"',
].join('\n');

export interface HttpAnswer {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** As they came. */
  bytes: Buffer;
  /** The body as JSON, or undefined. */
  body: any;
}

export interface HttpOptions {
  body?: unknown;
  /** Sent as it is. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
  /** undefined: the admin; '' : none. */
  token?: string;
  certificate?: { cert: string; key: string };
  /** Called when a watch is answered: from then on it hears everything. */
  opened?: () => void;
}

export interface TestApi {
  readonly network: MemoryNetwork;
  readonly store: FakeStore;
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  readonly caPem: string;
  readonly actor: RunningActor;
  http(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>;
  /** Lines of a watch until `count` came or the server ended it. */
  watch(path: string, count: number, options?: HttpOptions): Promise<any[]>;
  /** As an actor would ask. */
  bus(from: string, request: ApiRequest): Promise<ApiResponse>;
  issue(commonName: string, organizations: string[]): Promise<{ cert: string; key: string }>;
  readonly spans: Span[];
  restart(): Promise<void>;
  stop(): Promise<void>;
}

type Server = Pick<TestApi, 'port' | 'caPem'>;

export interface TestApiOptions {
  settings?: Partial<ApiserverSettings>;
  log?: Log;
  network?: MemoryNetwork;
  /** Creates what answers for the store; absent: a FakeStore. */
  stores?: string[];
}

const noExec: Exec = {
  run: () => Promise.reject(new Error('the API server runs no programs')),
  start: () => {
    throw new Error('the API server runs no programs');
  },
} as unknown as Exec;

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-api-'));
  const network = options.network ?? new MemoryNetwork();
  const store = options.stores === undefined ? new FakeStore(network, CLUSTER) : (undefined as unknown as FakeStore);
  const port = options.settings?.port ?? (await freePorts(1))[0]!;
  const file = (name: string): string => join(dir, name);
  mkdirSync(file('clients'));
  const authority = await layApiFiles(dir);
  const frontProxy = await openAuthority('front-proxy', { cert: file('front-ca.crt'), key: file('front-ca.key') });
  await frontProxy.issue(
    { commonName: 'front-proxy-client', usage: 'client' },
    { cert: file('front.crt'), key: file('front.key') },
  );
  writeFileSync(file('tokens.csv'), `${TOKENS}\n`);
  const settings: ApiserverSettings = {
    ...apiSettings(CLUSTER, dir, port, options.stores ?? store.members),
    frontProxy: { caFile: file('front-ca.crt'), certFile: file('front.crt'), keyFile: file('front.key') },
    ...options.settings,
  };
  const spans: Span[] = [];
  const looker = network.connect('observer');
  looker.subscribe(patternOf(CLUSTER, 'trace'), ({ data }) => void spans.push(data as Span));
  let boots = 0;
  const begin = (): Promise<RunningActor> =>
    start(contextOf(network, settings, options.log ?? silentLog, `b${++boots}`));
  let actor = await begin().catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const callers = new Map<string, ReturnType<MemoryNetwork['connect']>>();
  const api: TestApi = {
    network,
    store,
    port,
    dir,
    url: `https://127.0.0.1:${port}`,
    caPem: authority.certPem,
    spans,
    get actor() {
      return actor;
    },
    http: (method, path, given = {}) => askHttps(api, method, path, given),
    watch: (path, count, given = {}) => watch(api, path, count, given),
    async bus(from, request) {
      const caller = callers.get(from) ?? network.connect(from);
      callers.set(from, caller);
      return (await caller.request(subjectOf(CLUSTER, 'apiRequest', { from }), request, {
        timeoutMs: 10_000,
      })) as ApiResponse;
    },
    async issue(commonName, organizations) {
      const files = {
        cert: file(`clients/${commonName.replaceAll(':', '_')}.crt`),
        key: file(`clients/${commonName.replaceAll(':', '_')}.key`),
      };
      await authority.issue({ commonName, organizations, usage: 'client' }, files);
      return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
    },
    async restart() {
      await actor.stop();
      actor = await begin();
    },
    async stop() {
      await actor.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return api;
}

function contextOf(
  network: MemoryNetwork,
  settings: ApiserverSettings,
  log: Log,
  boot: string,
): ActorContext<ApiserverSettings> {
  const instance = 'apiserver-1';
  const bus = network.connect(instance);
  const tracer = createTracer({ cluster: CLUSTER, actor: 'apiserver', instance, boot, clock: systemClock, bus });
  bus.subscribe(patternOf(CLUSTER, 'actorTrace', { instance }), (message) =>
    message.respond?.(tracer.recent((message.data ?? {}) as TraceQuery)),
  );
  return {
    cluster: CLUSTER,
    actor: 'apiserver',
    instance,
    settings,
    bus,
    clock: systemClock,
    chance: systemChance,
    log,
    exec: noExec,
    tracer,
  };
}

function requestOptions(
  api: Server,
  method: string,
  path: string,
  options: HttpOptions,
  bytes: Uint8Array | undefined,
): object {
  const token = options.certificate === undefined ? (options.token ?? ADMIN_TOKEN) : (options.token ?? '');
  return {
    host: '127.0.0.1',
    port: api.port,
    method,
    path,
    ca: api.caPem,
    agent: false,
    ...options.certificate,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
      ...options.headers,
    },
  };
}

/** Any server whose certificate that authority signed. */
export function askHttps(api: Server, method: string, path: string, options: HttpOptions): Promise<HttpAnswer> {
  const bytes =
    options.raw !== undefined
      ? Buffer.from(options.raw as string)
      : options.body === undefined
        ? undefined
        : Buffer.from(JSON.stringify(options.body));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(requestOptions(api, method, path, options, bytes), (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const received = Buffer.concat(chunks);
        const text = received.toString();
        resolve({ code: response.statusCode!, headers: response.headers, text, bytes: received, body: parsed(text) });
      });
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

function watch(api: TestApi, path: string, count: number, options: HttpOptions): Promise<any[]> {
  return new Promise((resolve, reject) => {
    const events: any[] = [];
    const request = httpsRequest(requestOptions(api, 'GET', path, options, undefined), (response) => {
      options.opened?.();
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop()!;
        for (const line of lines) events.push(JSON.parse(line));
        if (events.length >= count) request.destroy();
      });
      response.on('close', () => resolve(events));
    });
    request.on('error', (error) => (events.length >= count ? resolve(events) : reject(error)));
    request.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
