// Shows flow control on a clock of its own: who is let in, who waits, who is refused, and that a flood of one client leaves
// another's request its place. Nothing here waits for time to pass.
import test from 'ava';
import fc from '../../../../test/kit/fast-check.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/generated/types.ts';
import { requestInfo } from '../request-info.ts';
import { bootstrapLevels, bootstrapSchemas } from './bootstrap.ts';
import { shareOut } from './concurrency.ts';
import { dumpLevels, dumpQueues, dumpRequests } from './dump.ts';
import { FlowControl, type Ticket } from './flow-control.ts';
import { RetryAfter } from './retry-after.ts';
import { deal, hashOf } from './shuffle-shard.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { flowUpkeep } from './upkeep.ts';
import { seatsOf, widest } from './work-estimate.ts';

const born = (total = 600): FlowControl => {
  const control = new FlowControl(total);
  control.configure(bootstrapSchemas() as FlowSchema[], bootstrapLevels() as PriorityLevelConfiguration[]);
  return control;
};
const info = (method: string, path: string) =>
  requestInfo(method, path.split('?')[0]!, new URLSearchParams(path.split('?')[1]));
const user = (name: string, ...groups: string[]) => ({ name, groups: [...groups, 'system:authenticated'] });

test("requests go to upstream's schemas and levels", (t) => {
  const control = born();
  const cases: Array<[who: ReturnType<typeof user>, method: string, path: string, schema: string, level: string]> = [
    [user('admin', 'system:masters'), 'GET', '/api/v1/pods', 'exempt', 'exempt'],
    [user('alice'), 'GET', '/readyz/ping', 'probes', 'exempt'],
    [user('alice'), 'GET', '/api/v1/pods', 'global-default', 'global-default'],
    [user('system:node:n', 'system:nodes'), 'PATCH', '/api/v1/nodes/n/status', 'system-node-high', 'node-high'],
    [
      user('system:node:n', 'system:nodes'),
      'PUT',
      '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n',
      'system-node-high',
      'node-high',
    ],
    [user('system:node:n', 'system:nodes'), 'GET', '/api/v1/pods', 'system-nodes', 'system'],
    [
      user('system:kube-scheduler'),
      'PUT',
      '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler',
      'system-leader-election',
      'leader-election',
    ],
    [user('system:kube-scheduler'), 'POST', '/api/v1/namespaces/a/pods/p/binding', 'kube-scheduler', 'workload-high'],
    [user('system:kube-controller-manager'), 'GET', '/api/v1/pods', 'kube-controller-manager', 'workload-high'],
    [
      user('system:serviceaccount:kube-system:x', 'system:serviceaccounts'),
      'GET',
      '/api/v1/pods',
      'kube-system-service-accounts',
      'workload-high',
    ],
    [
      user('system:serviceaccount:a:x', 'system:serviceaccounts'),
      'GET',
      '/api/v1/pods',
      'service-accounts',
      'workload-low',
    ],
    [{ name: 'nobody', groups: [] } as never, 'GET', '/api/v1/pods', 'catch-all', 'catch-all'],
  ];
  for (const [who, method, path, schema, level] of cases) {
    const found = control.classify({ user: who, info: info(method, path) });
    t.is(found.schema.metadata!.name, schema, `${who.name} ${method} ${path}`);
    t.is(found.level.metadata!.name, level);
  }
  const byNamespace = control.classify({
    user: user('system:kube-scheduler'),
    info: info('POST', '/api/v1/namespaces/a/pods/p/binding'),
  });
  t.is(byNamespace.flow, 'a');
});

test('a changed schema takes the next request of somebody who asked before', (t) => {
  const control = born();
  const digest = { user: user('alice'), info: info('GET', '/api/v1/namespaces/a/pods') };
  const elsewhere = { ...digest, info: info('GET', '/api/v1/namespaces/b/pods') };
  for (let i = 0; i < 2; i++) t.is(control.classify(digest).schema.metadata!.name, 'global-default');
  const own: FlowSchema = {
    metadata: { name: 'own' },
    spec: {
      matchingPrecedence: 1,
      priorityLevelConfiguration: { name: 'workload-low' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'alice' } }],
          resourceRules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'], namespaces: ['a'] }],
        },
      ],
    },
  };
  const levels = bootstrapLevels() as PriorityLevelConfiguration[];
  control.configure([...(bootstrapSchemas() as FlowSchema[]), own], levels);
  for (let i = 0; i < 2; i++) {
    t.is(control.classify(digest).schema.metadata!.name, 'own');
    t.is(control.classify(elsewhere).schema.metadata!.name, 'global-default');
  }
  control.configure(bootstrapSchemas() as FlowSchema[], levels);
  t.is(control.classify(digest).schema.metadata!.name, 'global-default');
});

test('a level has its share of the seats, and lends what it does not use', (t) => {
  const control = born(600);
  const limit = (name: string): number => control.levels.get(name)!.queues.limit;
  t.is(limit('global-default'), Math.ceil((600 * 20) / 245));
  t.is(limit('catch-all'), 13);
  t.is(limit('exempt'), Number.POSITIVE_INFINITY);
  const alice = control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') });
  for (let i = 0; i < 200; i++) control.arrive(alice, 1, () => [], 0);
  t.is(control.levels.get('global-default')!.queues.running, 49);
  const started = control.adjust(10_000);
  t.true(limit('global-default') > 150, 'it borrows what others do not want');
  t.is(started.length, control.levels.get('global-default')!.queues.running - 49);
  t.true(limit('leader-election') >= 24, 'what is not lendable stays');
  for (let i = 0; i < 400; i++) control.adjust(20_000 + i);
  t.is(control.levels.get('global-default')!.queues.waiting, 0);
});

/** Runs until nothing is left: `seconds` of each request's service by its flow; the order in which they started. */
function simulate(
  control: FlowControl,
  running: Ticket[],
  serviceMs: (ticket: Ticket) => number,
  late: Array<[at: number, come: (now: number) => Ticket[]]>,
): Ticket[] {
  const order: Ticket[] = [...running];
  const ends = running.map((ticket) => ({ ticket, at: serviceMs(ticket) }));
  const coming = [...late];
  while (ends.length > 0 || coming.length > 0) {
    ends.sort((a, b) => a.at - b.at);
    const next = ends[0];
    const isComing = coming.length > 0 && (next === undefined || coming[0]![0] <= next.at);
    const now = isComing ? coming[0]![0] : next!.at;
    const started = isComing ? coming.shift()![1](now) : control.finish(ends.shift()!.ticket, now);
    for (const ticket of started) {
      order.push(ticket);
      ends.push({ ticket, at: now + serviceMs(ticket) });
    }
  }
  return order;
}

test("a flood of lists from one client does not slow another's get: it waits at most one turn", (t) => {
  for (let n = 0; n < 40; n++) {
    const control = born(600);
    const flood = control.classify({ user: user(`flood-${n}`), info: info('GET', '/api/v1/pods') });
    const get = control.classify({ user: user(`quiet-${n}`), info: info('GET', '/api/v1/namespaces/a/pods/p') });
    const started: Ticket[] = [];
    let refused = 0;
    for (let i = 0; i < 1_000; i++) {
      const arrived = control.arrive(flood, flood.mostSeats, () => [], 0);
      started.push(...arrived.started);
      if (arrived.ticket.state === 'rejected') refused++;
    }
    t.true(refused > 0, 'the flood fills its queues and no others');
    let quiet: Ticket | undefined;
    const order = simulate(control, started, (ticket) => (ticket.seats > 1 ? 200 : 2), [
      [
        1 + (n % 4) * 700,
        (now) => {
          const arrived = control.arrive(get, 1, () => [], now);
          quiet = arrived.ticket;
          return arrived.started;
        },
      ],
    ]);
    const before = order.filter(({ startedAt }) => startedAt > quiet!.arrivedAt && startedAt < quiet!.startedAt).length;
    t.true(before <= 1, `${before} lists were begun between the get's coming and its turn`);
    t.is(order.length, 1_000 - refused + 1, 'everyone who waits is served');
  }
});

test('two floods of different width get the same seats over time', (t) => {
  const control = born(600);
  const wide = control.classify({ user: user('wide'), info: info('GET', '/api/v1/pods') });
  const narrow = control.classify({ user: user('narrow'), info: info('GET', '/api/v1/pods') });
  const started: Ticket[] = [];
  for (let i = 0; i < 250; i++)
    for (const [who, seats] of [
      [wide, 8],
      [narrow, 1],
    ] as const)
      started.push(...control.arrive(who, seats, () => [], 0).started);
  const order = simulate(control, started, () => 10, []).slice(0, 150);
  const seats = (name: string): number =>
    order.filter(({ flow }) => flow.endsWith(name)).reduce((sum, ticket) => sum + ticket.seats, 0);
  // Each has six queues of its own, but one or two may be shared.
  t.true(seats('wide') < 4 * seats('narrow') + 49, `wide ${seats('wide')}, narrow ${seats('narrow')}`);
});

test('full queues refuse, a level without queues refuses when its seats are taken, exempt never does', (t) => {
  const control = born(600);
  const nobody = control.classify({ user: { name: 'x', groups: [] }, info: info('GET', '/api/v1/pods') });
  const states = Array.from({ length: 14 }, () => control.arrive(nobody, 1, () => [], 0).ticket.state);
  t.is(states.filter((state) => state === 'running').length, 13);
  t.is(states.at(-1), 'rejected');
  const alice = control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') });
  const many = Array.from({ length: 49 + 6 * 50 + 1 }, () => control.arrive(alice, 1, () => [], 0).ticket.state);
  t.is(many.filter((state) => state === 'waiting').length, 300);
  t.is(many.at(-1), 'rejected');
  const admin = control.classify({ user: user('a', 'system:masters'), info: info('GET', '/api/v1/pods') });
  for (let i = 0; i < 2_000; i++) t.is(control.arrive(admin, 1, () => [], 0).ticket.state, 'running');
});

test('who gives up frees the way for those behind', (t) => {
  const control = born(600);
  const alice = control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') });
  const running = control.arrive(alice, 49, () => [], 0).ticket;
  const broad = control.arrive(alice, 49, () => [], 0).ticket;
  const behind = control.arrive(alice, 1, () => [], 0).ticket;
  t.deepEqual([running.state, broad.state, behind.state], ['running', 'waiting', 'waiting']);
  control.abandon(broad, 1, 'timedOut');
  t.deepEqual(control.finish(running, 2), [behind]);
  t.deepEqual(control.levels.get('global-default')!.queues.totals, {
    dispatched: 2,
    rejected: 0,
    timedOut: 1,
    cancelled: 0,
  });
});

test('seats are never oversold, and nobody waits while they are free, whatever happens', (t) => {
  const step = fc.record({
    what: fc.constantFrom('arrive', 'finish', 'abandon', 'adjust'),
    who: fc.nat(4),
    seats: fc.integer({ min: 1, max: 10 }),
    after: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const control = born(60);
      const { queues } = control.levels.get('global-default')!;
      const tickets: Ticket[] = [];
      let now = 0;
      for (const { what, who, seats, after } of steps) {
        now += after;
        const classified = control.classify({ user: user(`u${who}`), info: info('GET', '/api/v1/pods') });
        const running = tickets.find(({ state }) => state === 'running');
        const waiting = tickets.find(({ state }) => state === 'waiting');
        if (what === 'arrive')
          tickets.push(control.arrive(classified, Math.min(seats, classified.mostSeats), () => [], now).ticket);
        if (what === 'finish' && running !== undefined) control.finish(running, now);
        if (what === 'abandon' && waiting !== undefined) control.abandon(waiting, now, 'cancelled');
        const taken = tickets.filter(({ state }) => state === 'running').reduce((sum, ticket) => sum + ticket.seats, 0);
        if (taken !== queues.seatsInUse || taken > queues.limit) return false;
        if (tickets.filter(({ state }) => state === 'waiting').length !== queues.waiting) return false;
        if (queues.waiting > 0 && queues.running === 0) return false;
      }
      return true;
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test('a level that goes ends with its last request; its schema stops matching at once', (t) => {
  const control = born();
  const alice = control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') });
  const { ticket } = control.arrive(alice, 1, () => [], 0);
  const levels = bootstrapLevels().filter(({ metadata }) => metadata.name !== 'global-default');
  control.configure(bootstrapSchemas() as FlowSchema[], levels as PriorityLevelConfiguration[], 1);
  t.is(control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') }).schema.metadata!.name, 'catch-all');
  t.true(control.levels.get('global-default')!.quiescing);
  control.finish(ticket, 2);
  t.false(control.levels.has('global-default'));
  control.configure([], [], 3);
  t.deepEqual([...control.levels.keys()].toSorted(), ['catch-all', 'exempt'], 'what is mandatory is always there');
});

test('a list is as wide as what it returns', (t) => {
  const seats = (path: string, count: number): number =>
    seatsOf(info('GET', path), new URLSearchParams(path.split('?')[1]), 10, () => count);
  t.is(seats('/api/v1/namespaces/a/pods/p', 5_000), 1);
  t.is(seats('/api/v1/pods', 0), 1);
  t.is(seats('/api/v1/pods', 250), 3);
  t.is(seats('/api/v1/pods', 50_000), 10);
  t.is(seats('/api/v1/pods?limit=100', 50_000), 1);
  t.is(seats('/api/v1/pods?fieldSelector=metadata.name=p', 50_000), 1);
  t.is(seats('/api/v1/pods?watch=true', 50_000), 1);
  t.is(seats('/api/v1/pods?watch=true&sendInitialEvents=true', 500), 5);
  t.is(widest(49, 6), 8);
  t.is(widest(3, 6), 1);
});

test('hands are different cards, and two flows seldom share them all', (t) => {
  let same = 0;
  for (let i = 0; i < 2_000; i++) {
    const hand = deal(hashOf(`global-default/user-${i}`), 128, 6);
    t.is(new Set(hand).size, 6);
    t.true(hand.every((card) => card >= 0 && card < 128));
    const other = new Set(deal(hashOf(`global-default/user-${i + 1}`), 128, 6));
    if (hand.every((card) => other.has(card))) same++;
  }
  t.is(same, 0);
});

test('seats are shared by need within bounds', (t) => {
  const claim = (nominal: number, least: number, most: number, demand: number) => ({
    nominal,
    least,
    most,
    demand,
    smoothed: demand,
  });
  t.deepEqual(shareOut([claim(50, 25, 200, 0), claim(50, 25, 200, 200)], 100), [25, 75]);
  t.deepEqual(shareOut([claim(50, 50, 60, 0), claim(50, 0, 60, 500)], 100), [50, 50]);
  t.deepEqual(shareOut([claim(50, 10, 50, 50), claim(50, 10, 50, 50)], 60), [30, 30]);
});

test('clients are told to come later while many are refused', (t) => {
  const after = new RetryAfter();
  t.is(after.refused(0), 1);
  for (let i = 0; i < 5; i++) after.refused(0);
  t.is(after.refused(1), 2);
  for (let second = 1; second < 40; second++) for (let i = 0; i < 100; i++) after.refused(second);
  t.is(after.seconds, 32);
  for (let second = 100; second < 2_000; second += 40) after.refused(second);
  t.is(after.seconds, 1);
});

test('what is mandatory is set right again, what is suggested unless it was taken over; dangling schemas are told', (t) => {
  const schemas = bootstrapSchemas();
  const levels = bootstrapLevels();
  const first = flowUpkeep(schemas, levels, '2026-01-01T00:00:00Z');
  t.is(first.length, schemas.length, 'each gets its condition');
  for (const each of first) {
    const schema = schemas.find(({ metadata }) => metadata.name === each.name)!;
    t.is(each.type, 'applyStatus');
    if (each.type === 'applyStatus') schema['status'] = each.status;
  }
  t.deepEqual(flowUpkeep(schemas, levels, 'later'), []);
  const level = (name: string) => levels.find(({ metadata }) => metadata.name === name)!;
  level('catch-all')['spec'].limited.nominalConcurrencyShares = 900;
  level('catch-all').metadata.annotations = { 'apf.kubernetes.io/autoupdate-spec': 'false' };
  level('system')['spec'].limited.borrowingLimitPercent = 5;
  level('workload-low')['spec'].limited.lendablePercent = 1;
  level('workload-low').metadata.annotations = { 'apf.kubernetes.io/autoupdate-spec': 'false' };
  const due = flowUpkeep(schemas, levels, 'later');
  t.deepEqual(due.map(({ name }) => name).toSorted(), ['catch-all', 'system']);
  const patchOf = (name: string): any => (due.find((each) => each.name === name) as any).patch;
  t.is(patchOf('system').spec.limited.borrowingLimitPercent, null);
  t.deepEqual(patchOf('catch-all').metadata, { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } });
  const gone = flowUpkeep(
    schemas,
    levels.filter(({ metadata }) => metadata.name !== 'node-high'),
    'later',
  );
  t.is((gone.find(({ name }) => name === 'system-node-high') as any).status.conditions[0].status, 'True');
});

test('one without a mark follows as long as nobody changed it; one that is not born here any more goes', (t) => {
  const [level] = bootstrapLevels().filter(({ metadata }) => metadata.name === 'system');
  const marked = (annotations: Record<string, string> | undefined, generation: number, name = 'system'): KubeObject => {
    const { metadata: _, ...rest } = structuredClone(level!);
    const metadata = { name, generation, resourceVersion: '7', ...(annotations === undefined ? {} : { annotations }) };
    return { ...rest, metadata } as KubeObject;
  };
  const mark = (text: string): object => ({ 'apf.kubernetes.io/autoupdate-spec': text });
  const dueOf = (object: KubeObject): unknown => flowUpkeep([], [object], 'now')[0];
  const patched = (text: string): object => ({
    type: 'patch',
    resource: 'prioritylevelconfigurations',
    name: 'system',
    patch: { metadata: { annotations: mark(text) } },
  });
  t.deepEqual(dueOf(marked(undefined, 1)), patched('true'));
  t.deepEqual(dueOf(marked(undefined, 2)), patched('false'));
  t.deepEqual(dueOf(marked({ 'apf.kubernetes.io/autoupdate-spec': 'never' }, 2)), patched('false'));
  t.is(dueOf(marked({ 'apf.kubernetes.io/autoupdate-spec': 'T' }, 2)), undefined);
  t.is(dueOf(marked(undefined, 1, 'mine')), undefined);
  t.deepEqual(dueOf(marked({ 'apf.kubernetes.io/autoupdate-spec': 'true' }, 1, 'old')), {
    type: 'remove',
    resource: 'prioritylevelconfigurations',
    name: 'old',
    resourceVersion: '7',
  });
});

test("the dumps have upstream's columns", (t) => {
  const control = born();
  const alice = control.classify({ user: user('alice'), info: info('GET', '/api/v1/pods') });
  for (let i = 0; i < 50; i++) control.arrive(alice, 1, () => ['alice', 'list', '', '', '', 'v1', 'pods', ''], 0);
  const rows = dumpLevels(control).trimEnd().split('\n');
  t.regex(
    rows[0]!,
    /^PriorityLevelName, +ActiveQueues, +IsIdle, +IsQuiescing, +WaitingRequests, +ExecutingRequests, +DispatchedRequests, +RejectedRequests, +TimedoutRequests, +CancelledRequests$/,
  );
  t.regex(
    rows.find((row) => row.startsWith('global-default'))!,
    /^global-default, +1, +false, +false, +1, +49, +49, +0, +0, +0$/,
  );
  t.regex(dumpQueues(control), /^global-default, +\d+, +1, +/m);
  t.regex(
    dumpRequests(control, 0, true),
    /^global-default, +global-default, +\d+, +0, +alice, +1970-01-01T00:00:00.000Z, +1, .*alice, +list/m,
  );
});
