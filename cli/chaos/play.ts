// Does: plays a scenario in front of a person: the picture on a terminal, lines elsewhere, the verdict at the end, healing on
// Ctrl-C. Never decides what is broken.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ChaosDriver } from '../../chaos/contract.ts';
import type { Line } from '../../chaos/core/board.ts';
import { planOf, stamp, type Plan } from '../../chaos/core/plan.ts';
import type { Plant } from '../../chaos/core/plant.ts';
import type { Scenario } from '../../chaos/core/scenario.ts';
import { drawBoard } from '../../chaos/core/screen.ts';
import { judge, verdictLines, type Verdict } from '../../chaos/core/verdict.ts';
import { ScenarioRun, type RunResult } from '../../chaos/edge/run-scenario.ts';
import { Terminal } from '../../chaos/edge/terminal.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { HttpsTransport } from '../../lib/client/https-transport.ts';
import { readKubeconfig } from '../edge/session.ts';

export interface PlayOptions {
  seed: number;
  forMs?: number;
  plant?: Plant;
  /** A file for every operation of the load, one JSON a line. */
  history?: string;
  /** `--json`: the verdict as data, nothing else on standard output. */
  json: boolean;
}

const FRAME_MS = 100;

/** The exit code: 0 only if the hypothesis held. */
export async function play(driver: ChaosDriver, scenario: Scenario, options: PlayOptions): Promise<number> {
  const plan = planOf(scenario, {
    chance: seededChance(options.seed),
    ...(options.forMs === undefined ? {} : { forMs: options.forMs }),
  });
  const transports = await connect(driver);
  const ending = abortOnSignals();
  const terminal = process.stdout.isTTY && !options.json ? new Terminal(process.stdout) : undefined;
  const run = new ScenarioRun(scenario, plan, {
    driver,
    transports,
    seed: options.seed,
    signal: ending.signal,
    onLine: (line) => void (terminal === undefined && printLine(line, options.json)),
    ...(options.plant === undefined ? {} : { plant: options.plant }),
  });
  try {
    const result = await shown(run, terminal);
    const verdict = judge(scenario.mustHold, result);
    tell(scenario, plan, options, result, verdict);
    if (result.interrupted) return 130;
    return verdict.held ? 0 : 1;
  } finally {
    ending.done();
    await run.clean();
    for (const transport of transports) transport.close();
  }
}

async function shown(run: ScenarioRun, terminal: Terminal | undefined): Promise<RunResult> {
  if (terminal === undefined) return run.play();
  const draw = (): void => terminal.draw(drawBoard(run.board(), terminal.size));
  const timer = setInterval(draw, FRAME_MS);
  try {
    return await run.play();
  } finally {
    clearInterval(timer);
    terminal.close();
    // The last picture stays above the verdict.
    for (const line of drawBoard(run.board(), terminal.size)) console.log(line);
    console.log();
  }
}

async function connect(driver: ChaosDriver): Promise<HttpsTransport[]> {
  const { servers, kubeconfig } = await driver.api();
  const { server } = readKubeconfig(kubeconfig);
  return servers.map((address) => new HttpsTransport({ ...server, server: address }));
}

/** Ctrl-C heals; a second one does not wait for it: what is left is healed by whoever was told of the faults. */
function abortOnSignals(): { signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const abort = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of SIGNALS) process.on(signal, abort);
  return {
    signal: controller.signal,
    done() {
      for (const signal of SIGNALS) process.off(signal, abort);
    },
  };
}

function printLine({ atMs, text }: Line, toStderr: boolean): void {
  (toStderr ? console.error : console.log)(`${stamp(atMs)}  ${text}`);
}

function tell(scenario: Scenario, plan: Plan, options: PlayOptions, result: RunResult, verdict: Verdict): void {
  if (options.history !== undefined) {
    mkdirSync(dirname(options.history), { recursive: true });
    writeFileSync(options.history, result.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
  if (options.json) {
    const { checks, troubles } = result;
    const figures = Object.fromEntries(
      Object.entries(result.figures).map(([name, value]) => [name, Math.round(value)]),
    );
    const { held, reasons } = verdict;
    const data = {
      scenario: scenario.name,
      held,
      seed: options.seed,
      lastsMs: plan.lastsMs,
      figures,
      checks,
      troubles,
    };
    console.log(JSON.stringify({ ...data, reasons }));
  } else for (const line of verdictLines(scenario.name, verdict)) console.log(line);
  if (result.interrupted) console.error('interrupted: everything is healed, the verdict is of a part of the scenario');
}
