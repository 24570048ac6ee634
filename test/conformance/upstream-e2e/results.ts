// Decides what of a report of the suite is worth keeping: which test passed, which did not and why. Never runs anything.

export interface Report {
  SpecReports: Array<{
    ContainerHierarchyTexts: string[] | null;
    LeafNodeText: string;
    LeafNodeType: string;
    State: string;
    Failure?: { Message?: string };
  }>;
}

export interface Result {
  name: string;
  result: 'passed' | 'failed' | 'not run';
  /** Only of what failed. */
  why?: string;
}

const NOT_RUN = ['skipped', 'pending', 'invalid', ''];
/** The run ended, not the test. */
const BROKEN_OFF = /^(A suite timeout occurred|Interrupted by User)/;
const IS_CONFORMANCE = / ?\[Conformance\]/;

/** Every conformance test of the suite, run or not (its report tells of them all); `isBeyond`: every other one. */
export function resultsOf(reports: readonly Report[], isBeyond = false): Result[] {
  return reports
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType, LeafNodeText }) => LeafNodeType === 'It' && IS_CONFORMANCE.test(LeafNodeText) !== isBeyond)
    .map((spec): Result => {
      const texts = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText];
      const name = texts.join(' ').replace(IS_CONFORMANCE, '');
      if (NOT_RUN.includes(spec.State) || BROKEN_OFF.test(spec.Failure?.Message ?? ''))
        return { name, result: 'not run' };
      if (spec.State === 'passed') return { name, result: 'passed' };
      return { name, result: 'failed', why: sentenceOf(spec.Failure?.Message ?? spec.State) };
    });
}

export function areaOf(name: string): string {
  return /\[(sig-[a-z-]+)\]/.exec(name)?.[1] ?? 'other';
}

/** What a test hangs on that Flotilla does not have: these fail until it does, whatever the API says. */
const MISSING: ReadonlyArray<[pattern: RegExp, what: string]> = [
  [/\[sig-apps\] CronJob/, 'controller of CronJobs'],
  [/\[sig-apps\] Job|terminating scopes through scope selectors/, 'controller of Jobs'],
  [/Daemon set|DaemonSet|ControllerRevision/, 'controller of DaemonSets'],
  [/EndpointSliceMirroring/, 'controller that mirrors Endpoints'],
  [/\[sig-network\] HostPort/, 'forwarding of host ports'],
  [/StatefulSet/, 'controller of StatefulSets'],
  [
    /\[sig-apps\] ReplicationController|created by rc|rc around|valid owner and owner that's waiting|for rc|in rc|for rc and pods|Update Demo|Proxy version v1 should proxy through a service and a pod/,
    'controller of ReplicationControllers',
  ],
  [/SchedulerPreemption .*(preempt|Preempt)(?!.*PriorityClass)/, 'preemption'],
];

export function missingFor(name: string): string | undefined {
  return MISSING.find(([pattern]) => pattern.test(name))?.[1];
}

const LONGEST = 240;

/** Uids, times and addresses change from run to run: only the first words are kept. */
function sentenceOf(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}
