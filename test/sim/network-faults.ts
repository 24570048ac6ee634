// Does: what may befall messages between members: weather, cuts and clogs, each for a while. Never decides how often.
import { CALM, type SimNetwork } from './sim-bus.ts';
import { forAWhile, leader, type Stage } from './stage.ts';

export function isolate(
  { world, network, machines, clients }: Stage,
  inside: readonly string[],
  oneWay: boolean,
  range: [number, number] = [100, 6_000],
): void {
  const outside = [...machines.map(({ name }) => name), ...(world.odds(0.3) ? clients : [])];
  const cuts: string[] = [];
  const direction = oneWay ? 1 + world.chance.int(2) : 3;
  for (const a of inside)
    for (const b of outside) {
      if (inside.includes(b)) continue;
      if ((direction & 1) !== 0) cuts.push(`${a}>${b}`);
      if ((direction & 2) !== 0) cuts.push(`${b}>${a}`);
    }
  for (const cut of cuts) network.cuts.add(cut);
  world.after(world.draw(...range), () => {
    for (const cut of cuts) network.cuts.delete(cut);
  });
}

/** As figure 8 of the Raft paper begins: a leader reaches fewer than it needs for as long as an election takes. */
export function leaderCutOff(stage: Stage, withOther: boolean): boolean {
  const { world, machines } = stage;
  const first = leader(stage)?.name;
  if (first === undefined) return false;
  const others = machines.map(({ name }) => name).filter((name) => name !== first);
  const inside = withOther ? [first, world.pick(others)] : [first];
  if (inside.length * 2 > machines.length) return false;
  isolate(stage, inside, false, [300, 2_500]);
  return true;
}

/** Two halves that only one member sees both of. */
export function bridge({ world, network, machines }: Stage): void {
  const names = machines.map(({ name }) => name);
  const middle = world.chance.int(names.length);
  const left = names.filter((_, i) => i !== middle && i % 2 === 0);
  const right = names.filter((_, i) => i !== middle && i % 2 === 1);
  const cuts = left.flatMap((a) => right.flatMap((b) => [`${a}>${b}`, `${b}>${a}`]));
  for (const cut of cuts) network.cuts.add(cut);
  world.after(world.draw(200, 6_000), () => {
    for (const cut of cuts) network.cuts.delete(cut);
  });
}

export function weather({ world, network }: Stage, change: Partial<SimNetwork['weather']>): void {
  Object.assign(network.weather, change);
  world.after(world.draw(200, 5_000), () => {
    const keys = Object.keys(change) as (keyof typeof CALM)[];
    for (const key of keys) Object.assign(network.weather, { [key]: CALM[key] });
  });
}

export function cutPair(stage: Stage): void {
  const { world, network, machines } = stage;
  const [a, b] = [world.pick(machines).name, world.pick(machines).name];
  if (a === b) return;
  const cuts = world.odds(0.5) ? [`${a}>${b}`, `${b}>${a}`] : [`${a}>${b}`];
  forAWhile(
    stage,
    [100, 8_000],
    () => cuts.forEach((cut) => network.cuts.add(cut)),
    () => cuts.forEach((cut) => network.cuts.delete(cut)),
  );
}

export function clog(stage: Stage): void {
  const { world, network, machines } = stage;
  const link = `${world.pick(machines).name}>${world.pick(machines).name}`;
  forAWhile(
    stage,
    [200, 4_000],
    () => network.clogs.set(link, world.draw(20, 1_500)),
    () => network.clogs.delete(link),
  );
}
