// Shows with real processes that of two API actors either may be killed under load: clients that know both addresses lose no
// acknowledged write, get no conflict that is none, and watches have no gap. Never reaches into an actor.
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiProcesses } from '../kit/api-processes.ts';
import { eventually } from '../kit/eventually.ts';
import { BrokenLinkError, Link, TRY_AGAIN } from './link.ts';
import { Watcher } from './watchers.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const WORKERS = 8;
const WATCHERS = 20;
/** Writes of each worker in each act. */
const WRITES = 8;
const PAUSE_MS = 10;

test('either of two API actors is killed under load, and clients only reconnect', async (t) => {
  const apis = await ApiProcesses.start(2);
  t.teardown(() => apis.stop());
  const urls = apis.names.map((name) => apis.url(name));
  const links: Link[] = [];
  const link = (first: number): Link => {
    const made = new Link(urls, apis.credentials, first);
    links.push(made);
    return made;
  };
  t.teardown(() => links.forEach((one) => one.close()));
  const reader = link(0);
  const { resourceVersion } = (await reader.askAnyhow('GET', CONFIG_MAPS)).body.metadata;
  const watchers = Array.from({ length: WATCHERS }, (_, i) => new Watcher(link(i), CONFIG_MAPS, resourceVersion));
  t.teardown(() => watchers.forEach((watcher) => watcher.close()));
  await eventually('all watch', () => watchers.every(({ opened }) => opened > 0));

  const workers = Array.from({ length: WORKERS }, (_, i) => new Worker(link(i), `counter-${i}`));
  const work = Promise.all(workers.map((worker) => worker.run()));
  // Who ends with an error is told of at once, not after the patience for the others is over.
  const act = (what: string): Promise<unknown> => {
    const begun = workers.map(({ acknowledged }) => acknowledged.length);
    const isDone = (): boolean => workers.every((one, i) => one.acknowledged.length >= begun[i]! + WRITES);
    return Promise.race([work, eventually(`all have written ${what}`, isDone)]);
  };
  try {
    await act('to two servers');
    await apis.kill('apiserver-1');
    await act('to the second alone');
    apis.launch('apiserver-1');
    await apis.ready('apiserver-1');
    await act('to two servers again');
    await apis.kill('apiserver-2');
    await act('to the first alone');
  } finally {
    for (const worker of workers) worker.stop();
  }
  await work;

  const last = Math.max(...workers.flatMap(({ acknowledged }) => acknowledged.map(({ revision }) => revision)));
  await eventually('all watchers have heard the last', () => watchers.every(({ revision }) => revision >= last));
  for (const worker of workers) {
    const { body } = await reader.askAnyhow('GET', `${CONFIG_MAPS}/${worker.name}`);
    t.is(body.data.count, String(worker.count), `${worker.name}: the last acknowledged write is there`);
    t.deepEqual(worker.wrongConflicts, []);
    const written = worker.acknowledged.map(({ revision }) => revision);
    for (const [i, watcher] of watchers.entries()) {
      const heard = watcher.seen.filter(({ name }) => name === worker.name).map(({ revision }) => revision);
      t.deepEqual(heard, written, `watcher ${i} heard all of ${worker.name}, once and in order`);
    }
  }
  t.deepEqual(
    watchers.flatMap(({ errors }) => errors),
    [],
  );
  t.true(
    workers.some(({ reconnects }) => reconnects > 0),
    'somebody was interrupted',
  );
});

/** Counts in an object that is its alone: each write names the revision of the one before. */
class Worker {
  readonly name: string;
  readonly acknowledged: Array<{ count: number; revision: number }> = [];
  readonly wrongConflicts: string[] = [];
  count = 0;
  reconnects = 0;
  #revision = '';
  #isStopped = false;
  #isDoubtful = false;
  readonly #link: Link;

  constructor(link: Link, name: string) {
    this.#link = link;
    this.name = name;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#writeNext();
      await sleep(PAUSE_MS);
    }
  }

  async #writeNext(): Promise<void> {
    const wanted = this.count + 1;
    const isFirst = this.#revision === '';
    const metadata = { name: this.name, ...(isFirst ? {} : { resourceVersion: this.#revision }) };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { count: String(wanted) } };
    const path = isFirst ? CONFIG_MAPS : `${CONFIG_MAPS}/${this.name}`;
    try {
      const answered = await this.#link.ask(isFirst ? 'POST' : 'PUT', path, body);
      if (answered.code === 200 || answered.code === 201) this.#wrote(answered.body);
      else if (TRY_AGAIN.has(answered.code) || this.#isDoubtful) await this.#look(wanted);
      else if (answered.code === 409) this.wrongConflicts.push(answered.body.message);
      else throw new Error(`${path} was answered ${answered.code}: ${answered.body.message}`);
    } catch (error) {
      if (!(error instanceof BrokenLinkError)) throw error;
      this.reconnects++;
      await this.#look(wanted);
    }
  }

  /** Whether the write whose answer was lost was made. One that is not there now may still come: then the next conflicts. */
  async #look(wanted: number): Promise<void> {
    this.#isDoubtful = true;
    const { code, body } = await this.#link.askAnyhow('GET', `${CONFIG_MAPS}/${this.name}`);
    if (code === 200 && body.data.count === String(wanted)) this.#wrote(body);
  }

  #wrote(body: any): void {
    this.count++;
    this.#isDoubtful = false;
    this.#revision = body.metadata.resourceVersion;
    this.acknowledged.push({ count: this.count, revision: Number(this.#revision) });
  }
}
