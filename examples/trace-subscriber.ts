// Does: prints every reconcile of a cluster, live, with nothing but the `nats` package and the observer's credential.
// Run: `node examples/trace-subscriber.ts [~/.flotilla]`.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { connect, nkeyAuthenticator } from 'nats';
import { unpack } from 'msgpackr';

const home = process.argv[2] ?? `${homedir()}/.flotilla`;
const cluster = JSON.parse(readFileSync(`${home}/cluster.json`, 'utf8')) as { name: string };
const { nats } = JSON.parse(readFileSync(`${home}/actors/apiserver-1.json`, 'utf8')) as {
  nats: { servers: string[]; caFile: string };
};
const connection = await connect({
  servers: nats.servers,
  authenticator: nkeyAuthenticator(Buffer.from(readFileSync(`${home}/nkeys/observer.seed`, 'utf8').trim())),
  inboxPrefix: '_INBOX_observer',
  tls: { caFile: nats.caFile },
});
for await (const message of connection.subscribe(`${cluster.name}.trace.>`)) {
  const span = unpack(message.data) as {
    instance: string;
    verb: string;
    kind: string;
    namespace: string;
    name: string;
    outcome: string;
    durationMs: number;
    saw: string;
    did: string[];
  };
  console.log(
    `${span.instance} ${span.verb} ${span.kind} ${span.namespace}/${span.name} ${span.outcome} ${span.durationMs.toFixed(1)} ms: ${span.saw}${span.did.map((did) => `\n    ${did}`).join('')}`,
  );
}
