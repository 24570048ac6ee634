// Does: listens on the services' TCP addresses and copies bytes to endpoints, for clusters without root. Never decides
// which addresses or endpoints; never serves UDP.
import net from 'node:net';
import type { StatusDetails } from '../../../lib/actor/context.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Listener, ListenerState } from '../core/listeners.ts';
import type { Endpoint } from '../core/endpoints.ts';
import type { Applied, Applier } from './applier.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Kernels since 3.9 let several proxies of one machine share an address: if one dies the others go on. */
const SHARED = process.platform === 'linux' ? { reusePort: true } : {};

interface Open {
  server: net.Server;
  listener: Listener;
  /** Round robin. */
  turn: number;
  /** Client address → endpoint and until when it sticks. */
  clients: Map<string, { endpoint: string; until: number }>;
}

export interface UserspaceContext {
  clock: Clock;
  log: Log;
  state: ListenerState;
}

export class UserspaceApplier implements Applier {
  readonly #ctx: UserspaceContext;
  readonly #open = new Map<string, Open>();
  /** Address → why it could not be bound. */
  readonly #refused = new Map<string, string>();
  readonly #sockets = new Set<net.Socket>();

  constructor(ctx: UserspaceContext) {
    this.#ctx = ctx;
  }

  async apply(): Promise<Applied> {
    const services = this.#ctx.state.recompute();
    const wanted = this.#ctx.state.listeners();
    const did: string[] = [];
    for (const [at, open] of this.#open)
      if (!wanted.has(at)) {
        open.server.close();
        this.#open.delete(at);
        did.push(`closed ${at}`);
      }
    for (const at of this.#refused.keys()) if (!wanted.has(at)) this.#refused.delete(at);
    for (const [at, listener] of wanted) await this.#want(at, listener, did);
    return { services, did };
  }

  /** An address that somebody else held may be free now: nothing is wrong with ours. */
  async verify(): Promise<string | undefined> {
    const wanted = this.#ctx.state.listeners();
    for (const at of this.#refused.keys()) {
      const listener = wanted.get(at);
      if (listener !== undefined) await this.#want(at, listener, []);
    }
    return undefined;
  }

  /** Listeners are ours alone: there is nothing to begin anew. */
  distrust(): void {}

  status(): StatusDetails {
    const first = [...this.#refused][0];
    return {
      listeners: this.#open.size,
      notBound: this.#refused.size,
      ...(first === undefined ? {} : { firstNotBound: `${first[0]}: ${first[1]}` }),
    };
  }

  async stop(): Promise<void> {
    const closed = [...this.#open.values()].map(
      ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #want(at: string, listener: Listener, did: string[]): Promise<void> {
    const open = this.#open.get(at);
    if (open !== undefined) {
      if (!sameEndpoints(open.listener, listener)) did.push(`${at} leads to ${listener.endpoints.length} endpoints`);
      open.listener = listener;
      return;
    }
    const fresh: Open = { server: net.createServer({ allowHalfOpen: true }), listener, turn: 0, clients: new Map() };
    fresh.server.on('connection', (client) => this.#serve(client, fresh));
    try {
      await listen(fresh.server, listener);
      this.#open.set(at, fresh);
      this.#refused.delete(at);
      did.push(`listens on ${at} for ${listener.service}`);
    } catch (error) {
      if (!this.#refused.has(at))
        this.#ctx.log.warn({ at, service: listener.service, error: messageOf(error) }, 'cannot listen for a service');
      this.#refused.set(at, messageOf(error));
    }
  }

  #serve(client: net.Socket, open: Open): void {
    this.#own(client);
    const order = this.#order(open, client.remoteAddress ?? '');
    this.#tryNext(client, open, order);
  }

  /** As nftables would: the client's own endpoint first, the others in turn. */
  #order(open: Open, client: string): Endpoint[] {
    const { endpoints, stickySeconds } = open.listener;
    const start = open.turn++ % Math.max(1, endpoints.length);
    const order = [...endpoints.slice(start), ...endpoints.slice(0, start)];
    if (stickySeconds === 0) return order;
    const known = open.clients.get(client);
    if (known === undefined || known.until < this.#ctx.clock.now()) return order;
    const mine = order.filter((endpoint) => addressOf(endpoint) === known.endpoint);
    return [...mine, ...order.filter((endpoint) => addressOf(endpoint) !== known.endpoint)];
  }

  #tryNext(client: net.Socket, open: Open, order: Endpoint[]): void {
    const endpoint = order.shift();
    if (endpoint === undefined || client.destroyed) {
      // Nobody serves: a reset says so at once.
      client.resetAndDestroy();
      return;
    }
    const upstream = net.connect({ host: endpoint.ip, port: endpoint.port, allowHalfOpen: true });
    this.#own(upstream);
    upstream.setTimeout(CONNECT_TIMEOUT_MS, () => upstream.destroy(new Error('connect timed out')));
    let connected = false;
    upstream.once('connect', () => {
      connected = true;
      upstream.setTimeout(0);
      this.#remember(open, client.remoteAddress ?? '', endpoint);
      client.pipe(upstream).pipe(client);
    });
    upstream.once('close', () => {
      if (connected) client.destroySoon();
      else this.#tryNext(client, open, order);
    });
    client.once('close', () => upstream.destroySoon());
  }

  #remember(open: Open, client: string, endpoint: Endpoint): void {
    const { stickySeconds } = open.listener;
    if (stickySeconds === 0) return;
    const now = this.#ctx.clock.now();
    if (open.clients.size >= 10_000)
      for (const [key, { until }] of open.clients) if (until < now) open.clients.delete(key);
    open.clients.set(client, { endpoint: addressOf(endpoint), until: now + stickySeconds * 1000 });
  }

  /** A socket's error is its own end, never the proxy's. */
  #own(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function listen(server: net.Server, { address, port }: Listener): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ...SHARED }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}

function sameEndpoints(a: Listener, b: Listener): boolean {
  return a.endpoints.map(addressOf).join() === b.endpoints.map(addressOf).join();
}

function addressOf({ ip, port }: Endpoint): string {
  return `${ip}:${port}`;
}
