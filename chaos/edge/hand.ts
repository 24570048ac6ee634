// Does: runs in a container of its own in a compose project's network, and does there what cannot be done from the host:
// speaks on the bus, to the supervisors in the nodes, and turns bits in a store's files. Never outlives who asks.
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf } from '../../lib/base/errors.ts';
import { BusError } from '../../lib/bus/bus.ts';
import { clusterOf, joinBus, type ClusterBus } from '../../cli/edge/cluster-bus.ts';
import { COMPOSE_HOME } from '../../launcher/core/compose-layout.ts';
import { homeLayout, type Home } from '../../launcher/core/home.ts';
import { supervisorStatus } from '../../launcher/supervisor/client.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';
import { chanceOf, flipBit } from './flip-bit.ts';
import type { Answer, Asked, Hello, Numbered, Question } from './hand-protocol.ts';
import { killUnit, pauseUnit, restartUnit, resumeUnit, startUnit, unitOf } from './unit-turns.ts';

const HOMES = '/homes';

const { cluster, home } = clusterOf(COMPOSE_HOME);
const homeOf = (service: string): Home => homeLayout(`${HOMES}/${service}`);
const nodes = readdirSync(HOMES).filter((name) => cluster.nodes.includes(name));
let joined: Promise<ClusterBus> | undefined;

function join(): Promise<ClusterBus> {
  joined ??= joinBus(COMPOSE_HOME).catch((error: unknown) => {
    joined = undefined;
    throw error;
  });
  return joined;
}

async function look(): Promise<Asked['look'][1]> {
  const unitsOn = async (node: string): Promise<Array<[string, UnitStatus[]]>> => {
    const status = await supervisorStatus(homeOf(node));
    return status === undefined ? [] : [[node, status.units]];
  };
  const [units, said] = await Promise.all([
    Promise.all(nodes.map(unitsOn)),
    // Nobody answers while the bus is broken; that is no reason to fail.
    join().then(
      (bus) => bus.statuses(),
      () => [],
    ),
  ]);
  return { units: Object.fromEntries(units.flat()), said };
}

async function turn({ node, unit, turn: which }: Asked['turn'][0]): Promise<UnitStatus | null> {
  const there = homeOf(node);
  switch (which) {
    case 'show':
      return unitOf(there, unit);
    case 'restart':
      return restartUnit(there, unit);
    case 'kill':
      await killUnit(there, unit);
      return null;
    case 'start':
      await startUnit(there, unit);
      return null;
    case 'pause':
      await pauseUnit(there, unit);
      return null;
    case 'resume':
      await resumeUnit(there, unit);
      return null;
  }
}

async function answerTo(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'look':
      return look();
    case 'turn':
      return turn(question);
    case 'flip':
      return flipBit(homeOf(question.instance).store(question.instance), chanceOf(question.chance));
    case 'request': {
      const { bus } = await join();
      return bus.request(question.subject, question.data, { timeoutMs: question.timeoutMs });
    }
  }
}

function say(line: Hello | Answer): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Ctrl-C at the terminal is for who asks: healing still needs this process.
for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => {});
process.stdout.on('error', () => process.exit(0));
say({ cluster, kubeconfig: readFileSync(home.kubeconfig, 'utf8'), instance: 'operator' });
for await (const line of createInterface({ input: process.stdin })) {
  const { number, ...question } = JSON.parse(line) as Numbered;
  void answerTo(question).then(
    (answer) => say({ number, answer: answer ?? null }),
    (error: unknown) =>
      say({ number, error: messageOf(error), ...(error instanceof BusError ? { kind: error.kind } : {}) }),
  );
}
process.exit(0);
