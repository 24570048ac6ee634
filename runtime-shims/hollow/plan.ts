// Decides how the pretender misbehaves for one pod: by the pod's annotations, or by a plan that a test injects. Never
// does it.

export interface HollowPlan {
  /** fail: the image cannot be pulled. */
  pull?: 'fail';
  pullMs?: number;
  /** fail: the program cannot be started. */
  start?: 'fail';
  startMs?: number;
  /** full: no sandbox can be made. */
  sandbox?: 'full';
  /** The containers end by themselves, with this code … */
  exitCode?: number;
  /** … after this. */
  exitAfterMs?: number;
  exitReason?: string;
  /** TERM is not heard: only KILL ends it. */
  ignoresTerm?: boolean;
  /** A failing probe: exec answers with this. */
  execExitCode?: number;
}

const PREFIX = 'hollow.flotilla.io/';

/** `hollow.flotilla.io/exit-code: "7"` and so on; what is not understood is not there. */
export function planOf(annotations: Record<string, string>): HollowPlan {
  const text = (name: string): string | undefined => annotations[`${PREFIX}${name}`];
  const number = (name: string): number | undefined => {
    const value = Number(text(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const plan = {
    pull: text('pull') === 'fail' ? 'fail' : undefined,
    pullMs: number('pull-ms'),
    start: text('start') === 'fail' ? 'fail' : undefined,
    startMs: number('start-ms'),
    sandbox: text('sandbox') === 'full' ? 'full' : undefined,
    exitCode: number('exit-code'),
    exitAfterMs: number('exit-after-ms'),
    exitReason: text('exit-reason'),
    ignoresTerm: text('ignores-term') === 'true' ? true : undefined,
    execExitCode: number('exec-exit-code'),
  };
  return Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined)) as HollowPlan;
}
