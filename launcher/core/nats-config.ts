// Decides nats-server's configuration: one user an actor instance, permissions from the subject map alone. Never invents
// a permission that lib/bus/subjects.ts does not give.
import { LIMITS } from '../../lib/base/limits.ts';
import { permissionsOf, SUBJECTS, type Identity, type Permission } from '../../lib/bus/subjects.ts';

export interface NatsConfig {
  cluster: string;
  /** `nats`, `nats-2`. */
  instance: string;
  host: string;
  port: number;
  certFile: string;
  keyFile: string;
  caFile: string;
  users: Array<{ who: Identity; publicKey: string }>;
  /** Addresses of all servers of the bus where there may be several; absent: it is alone. */
  peers?: string[];
  /** Port of this process's own loopback that tells its health; absent: none. */
  healthPort?: number;
}

const ROUTE_PORT = 6222;

/**
 * A reader whose event loop hangs is cut off after `write_deadline`: the default of 10 s would stall its publishers.
 * Answers need no permission of their own: a responder may publish to the reply subject of what it was asked, often
 * enough for a stream, and not for ever.
 */
export function natsConfigText(config: NatsConfig): string {
  return [
    `server_name: ${quote(`${config.cluster}-${config.instance}`)}`,
    `listen: ${quote(`${config.host}:${config.port}`)}`,
    `max_payload: ${LIMITS.busPayloadBytes}`,
    'max_pending: 64MB',
    'write_deadline: "2s"',
    'max_control_line: 4096',
    'ping_interval: "20s"',
    'logtime: true',
    ...(config.healthPort === undefined ? [] : [`http: ${quote(`127.0.0.1:${config.healthPort}`)}`]),
    tlsText(config, ''),
    ...(config.peers === undefined ? [] : [routesText(config, config.peers)]),
    'authorization {',
    '  timeout: 5',
    '  default_permissions { publish: "_NOBODY", subscribe: "_NOBODY" }',
    '  users: [',
    ...config.users.map(({ who, publicKey }) => userText(config.cluster, who, publicKey)),
    '  ]',
    '}',
    '',
  ].join('\n');
}

function tlsText({ certFile, keyFile, caFile }: NatsConfig, more: string): string {
  return `tls { cert_file: ${quote(certFile)}, key_file: ${quote(keyFile)}, ca_file: ${quote(caFile)}, timeout: 5${more} }`;
}

/** Servers know each other by certificates of the cluster's own authority. One that is not there is tried again and again. */
function routesText(config: NatsConfig, peers: readonly string[]): string {
  const routes = peers.map((ip) => quote(`nats-route://${ip}:${ROUTE_PORT}`)).join(', ');
  return `cluster { name: ${quote(config.cluster)}, listen: ${quote(`${config.host}:${ROUTE_PORT}`)}, routes: [${routes}], ${tlsText(config, ', verify: true')} }`;
}

function userText(cluster: string, who: Identity, publicKey: string): string {
  const { publish, subscribe } = permissionsOf(cluster, who);
  const answers = isAsked(who) ? ', allow_responses: { max: 1000, expires: "1m" }' : '';
  return [
    `    # ${who.instance}`,
    `    { nkey: ${quote(publicKey)}, permissions: {`,
    `        publish: [${publish.map(quote).join(', ')}]`,
    `        subscribe: [${subscribe.map(quote).join(', ')}]${answers} } }`,
  ].join('\n');
}

/** Whether anybody may send it requests. */
function isAsked(who: Identity): boolean {
  return Object.values(SUBJECTS).some(
    (rule) =>
      rule.category !== 'evt' &&
      (rule.subscribe as readonly Permission[]).some((permission) => permission.actors.includes(who.actor)),
  );
}

function quote(text: string): string {
  return JSON.stringify(text);
}
