// Does: prints every step of a cluster, live, with the package `nats` and the observer's credential, which may hear the
// trace and nothing else. Never changes anything. Run: `node examples/trace-subscriber.ts [~/.flotilla]`.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { unpack } from 'msgpackr';
import { connect, nkeyAuthenticator } from 'nats';

const home = process.argv[2] ?? `${homedir()}/.flotilla`;
const { cluster, nats } = JSON.parse(readFileSync(`${home}/actors/scheduler-1.json`, 'utf8'));
const connection = await connect({
  servers: nats.servers,
  tls: { caFile: nats.caFile },
  inboxPrefix: '_INBOX_observer',
  authenticator: nkeyAuthenticator(Buffer.from(readFileSync(`${home}/nkeys/observer.seed`, 'utf8').trim())),
});
for await (const { data } of connection.subscribe(`${cluster}.trace.>`)) {
  const { instance, verb, kind, namespace, name, outcome, durationMs, did } = unpack(data); // lib/bus/README.md: Span
  console.log(`${instance} ${verb} ${kind} ${namespace}/${name} ${outcome} in ${Math.round(durationMs)} ms: ${did}`);
}
