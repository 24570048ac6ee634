// Does: drives one compose project as its owner would: docker-compose, and flotilla inside the apiserver's container.
// Never reaches into a container for what a command tells.
import { request } from 'node:http';
import { eventually, must, run, type Ran } from './shell.ts';

export interface Place {
  /** Directory with docker-compose.yml. */
  root: string;
  name: string;
  network: string;
  apiPort: number;
  webPort: number;
  engineEnv: Record<string, string>;
}

interface Listed<T> {
  items: T[];
}

export interface PodRow {
  metadata: { name: string; uid: string };
  spec: { nodeName?: string };
  status: { conditions?: Array<{ type: string; status: string }> };
}

export class Project {
  readonly place: Place;
  readonly env: Record<string, string>;
  profiles: string[] = [];
  readonly #containers = new Map<string, string>();

  constructor(place: Place) {
    this.place = place;
    this.env = {
      ...place.engineEnv,
      COMPOSE_PROJECT_NAME: place.name,
      FLOTILLA_NETWORK: place.network,
      FLOTILLA_API_PORT: String(place.apiPort),
      FLOTILLA_API_PORT_2: String(place.apiPort + 1),
      FLOTILLA_WEB_PORT: String(place.webPort),
      FLOTILLA_AUDIT_POLICY: './test/compose/audit-policy.yaml',
      DOCKER_BUILDKIT: '0',
      COMPOSE_HTTP_TIMEOUT: '180',
    };
  }

  compose(...words: string[]): Promise<string> {
    const profiles = this.profiles.flatMap((name) => ['--profile', name]);
    return must(['docker-compose', ...profiles, ...words], { env: this.env, cwd: this.place.root, timeoutMs: 600_000 });
  }

  docker(...words: string[]): Promise<string> {
    return must(['docker', ...words], { env: this.env });
  }

  /** What `docker-compose exec -T` does, in half its time. */
  async exec(service: string, argv: readonly string[], timeoutMs = 60_000): Promise<Ran> {
    return run(['docker', 'exec', await this.container(service), ...argv], { env: this.env, timeoutMs });
  }

  async flotilla(...words: string[]): Promise<string> {
    const { code, out, err } = await this.exec('apiserver', ['flotilla', ...words]);
    if (code !== 0) throw new Error(`flotilla ${words.join(' ')} ended with ${code}: ${err}${out}`);
    return out;
  }

  async get<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.flotilla('get', ...words, '-o', 'json')) as T;
  }

  /** Id of a service's container, running or not: nothing here makes another of it. */
  async container(service: string): Promise<string> {
    const id = this.#containers.get(service) ?? (await this.compose('ps', '-q', service)).trim();
    if (id === '') throw new Error(`the service ${service} has no container`);
    this.#containers.set(service, id);
    return id;
  }

  async inspect<T>(service: string, field: string): Promise<T> {
    return JSON.parse(await this.docker('inspect', '-f', `{{json ${field}}}`, await this.container(service))) as T;
  }

  /** SIGKILL to the container's first process, as a crash: not through Docker, which would take it for the owner's wish. */
  async crash(service: string): Promise<void> {
    process.kill(await this.inspect<number>(service, '.State.Pid'), 'SIGKILL');
  }

  async readyPods(): Promise<PodRow[]> {
    const { items } = await this.get<Listed<PodRow>>('pods', '-l', 'app=web');
    return items.filter((pod) =>
      pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
  }

  untilReady(count: number): Promise<PodRow[]> {
    return eventually(`${count} ready pods`, async () => {
      const ready = await this.readyPods();
      return ready.length === count ? ready : undefined;
    });
  }

  /** Every pod of the list has answered through the Service, asked by `ask`. */
  async untilAllAnswer(pods: readonly PodRow[], ask: () => Promise<string>): Promise<void> {
    const missing = new Set(pods.map((pod) => pod.metadata.name));
    await eventually(`answers of ${[...missing].join(', ')}`, async () => {
      for (let i = 0; i < 10 && missing.size > 0; i++) missing.delete((await ask()).trim());
      if (missing.size === 0) return true;
      throw new Error(`${[...missing].join(', ')} did not answer`);
    });
  }

  /** As a person at the host would: through the published port of the node port. */
  fromHost(): Promise<string> {
    return new Promise((resolve, reject) => {
      const question = request(
        { host: '127.0.0.1', port: this.place.webPort, agent: false, timeout: 5000 },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += String(part)));
          answer.on('end', () => resolve(text));
        },
      );
      question.on('timeout', () => question.destroy(new Error('no answer in 5 s')));
      question.on('error', reject);
      question.end();
    });
  }

  async inPod(pod: PodRow, ...argv: string[]): Promise<string> {
    return this.flotilla('exec', pod.metadata.name, '--', ...argv);
  }

  /** Instance that the lease in kube-system names. */
  async holder(lease: string): Promise<string> {
    const { spec } = await this.get<{ spec: { holderIdentity?: string } }>('lease', lease, '-n', 'kube-system');
    return spec.holderIdentity ?? '';
  }

  /** Rows of `store status`: member and role. */
  async members(): Promise<Map<string, string>> {
    const { out } = await this.exec('apiserver', ['flotilla', 'store', 'status']);
    const rows = out.split('\n').map((line) => /^(store-\d)\s+(\w+)/.exec(line));
    return new Map(rows.flatMap((row) => (row === null ? [] : [[row[1]!, row[2]!] as const])));
  }

  async leader(): Promise<string> {
    return eventually('a leader of the store', async () => {
      const found = [...(await this.members())].find(([, role]) => role === 'leader');
      return found?.[0];
    });
  }
}
