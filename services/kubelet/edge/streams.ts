// Does: serves long conversations with this node's containers: logs, exec, attach, port-forward. Never decides
// who may have one: the API actor has asked that.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { ApiError, type Status } from '../../../lib/base/errors.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import type { Subscription } from '../../../lib/bus/bus.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import { serveStreams, type BusStream, type StreamContext, type StreamVerb } from '../../../lib/bus/streams.ts';
import type { Exec } from '../../../lib/exec/exec.ts';
import type { ContainerState, ExecSession, RuntimeShim } from '../../../runtime-shims/contract.ts';
import { definitionOf, latestRun, readySandbox, runBefore, type PodState } from '../core/pod-state.ts';
import { readLog } from './log-reader.ts';
import { Pages } from './pages.ts';
import type { PodManager } from './pod-manager.ts';
import type { RuntimeView } from './runtime-view.ts';
import { attachTo, refuseInput } from './stream-attach.ts';
import { forwardPort } from './stream-port-forward.ts';
import { UsageMeter } from './usage.ts';

export interface StreamTools extends StreamContext {
  node: string;
  clock: Clock;
  shim: RuntimeShim;
  exec: Exec;
  manager: PodManager;
  view: RuntimeView;
  /** What the kubelet says of itself. */
  about: { configuration: object; memoryBytes: number };
}

export function serveKubeletStreams(tools: StreamTools): Subscription {
  const meter = new UsageMeter({ clock: tools.clock, shim: tools.shim, running: () => tools.view.running() });
  const pages = pagesOf(tools, meter);
  const serve: Record<StreamVerb, (open: StreamOpen, stream: BusStream) => Promise<void>> = {
    logs: (open, stream) => logs(tools, open, stream),
    exec: (open, stream) => exec(tools, open, stream),
    attach: (open, stream) => attach(tools, open, stream),
    portforward: (open, stream) => portForward(tools, open, stream),
    usage: (_open, stream) => tell(stream, 'measuring', () => meter.measure()),
    page: (open, stream) => tell(stream, `the page ${open.path}`, () => pages.page(String(open.path))),
  };
  return serveStreams(tools, tools.node, async (verb, open, stream) => {
    if (!Object.hasOwn(serve, verb)) throw new ApiError('MethodNotAllowed', `a kubelet serves no ${String(verb)}`);
    await serve[verb](open, stream);
  });
}

/** Resolves at once: measuring takes a while, and the opener listens. */
async function tell(stream: BusStream, what: string, make: () => Promise<object>): Promise<void> {
  make().then(
    async (told) => {
      await stream.write('stdout', Buffer.from(JSON.stringify(told)));
      stream.exit(0);
    },
    (error: unknown) => stream.fail(new ApiError('InternalError', `${what}: ${String(error)}`).toStatus()),
  );
}

function pagesOf({ node, clock, about, view, manager }: StreamTools, meter: UsageMeter): Pages {
  const pods = (): Pod[] => manager.pods;
  return new Pages({ node, clock, ...about, view, pods, measure: () => meter.measure() });
}

// ---- logs -----------------------------------------------------------------------------------------------------------

/** Resolves once the log has been found; the reading goes on behind it. */
async function logs(tools: StreamTools, open: StreamOpen, stream: BusStream): Promise<void> {
  const query = open.logs ?? {};
  const state = podOf(tools, open);
  const latest = latestRun(state, open.container);
  const run = query.previous === true && latest !== undefined ? runBefore(state, latest) : latest;
  if (run === undefined) throw noRun(state, open, query.previous === true);
  copyLog(tools, run, query, stream);
}

function copyLog(
  tools: StreamTools,
  run: ContainerState,
  query: NonNullable<StreamOpen['logs']>,
  stream: BusStream,
): void {
  let isClosed = false;
  // Heard at once: a follower who has gone is not read for.
  stream.onFrame(() => {});
  void stream.closed.then(() => (isClosed = true));
  readLog(tools.clock, {
    path: run.logPath,
    format: tools.shim.logFormat,
    query,
    mayGrow: () => tools.view.container(run.id)?.state === 'running',
    isCancelled: () => isClosed,
    write: (channel, data) => stream.write(channel, data),
  }).then(
    () => stream.exit(0),
    (error: unknown) =>
      stream.fail(
        new ApiError('InternalError', `reading the log of container ${run.name}: ${String(error)}`).toStatus(),
      ),
  );
}

function noRun(state: PodState, open: StreamOpen, isPrevious: boolean): ApiError {
  const { name } = state.pod.metadata;
  if (definitionOf(state.pod, open.container) === undefined)
    return new ApiError('BadRequest', `container ${open.container} is not valid for pod ${name}`);
  if (isPrevious)
    return new ApiError('BadRequest', `previous terminated container "${open.container}" in pod "${name}" not found`);
  const {
    initContainerStatuses = [],
    containerStatuses = [],
    ephemeralContainerStatuses = [],
  } = state.pod.status ?? {};
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const reason = all.find((status) => status.name === open.container)?.state?.waiting?.reason ?? 'ContainerCreating';
  return new ApiError('BadRequest', `container "${open.container}" in pod "${name}" is waiting to start: ${reason}`);
}

// ---- exec, attach ---------------------------------------------------------------------------------------------------

async function exec(tools: StreamTools, open: StreamOpen, stream: BusStream): Promise<void> {
  const run = runningOf(tools, open);
  const command = open.command ?? [];
  if (command.length === 0) throw new ApiError('BadRequest', 'you must specify at least one command for the container');
  const session = tools.shim.exec(run.id, command, { tty: open.tty === true, stdin: open.stdin === true });
  // A program that takes no input must not keep a client's end from being heard.
  void stream.peerGone.then(() => session.kill());
  takeInput(session, stream);
  void converse(session, stream, open.tty === true);
}

function takeInput(session: ExecSession, stream: BusStream): void {
  const { stdin } = session;
  stdin?.on('error', () => {});
  stream.onFrame(async (frame) => {
    if (frame.type === 'data' && stdin !== null)
      // Consumed only when the program has taken it: credit then holds back the sender.
      await new Promise<void>((resolve) => stdin.write(frame.data, () => resolve()));
    if (frame.type === 'end' && frame.channel === 'stdin') stdin?.end();
    if (frame.type === 'resize') session.resize(frame.width, frame.height);
  });
}

async function converse(session: ExecSession, stream: BusStream, isTerminal: boolean): Promise<void> {
  const copy = async (from: NodeJS.ReadableStream, channel: 'stdout' | 'stderr'): Promise<void> => {
    for await (const chunk of from) await stream.write(channel, chunk as Buffer);
  };
  try {
    // A terminal has one output; what script itself says is not of the program.
    await Promise.all([copy(session.stdout, 'stdout'), ...(isTerminal ? [] : [copy(session.stderr, 'stderr')])]);
    const { exitCode, error } = await session.ended;
    if (error === undefined) stream.exit(exitCode);
    else stream.fail(notRun(error));
  } catch (error) {
    stream.fail(new ApiError('InternalError', `exec: ${String(error)}`).toStatus());
  }
}

/** A program that could not be started has no exit code; said as a kubelet says it. */
function notRun(error: string): Status {
  const message = `error executing command in container: ${error}`;
  return new ApiError('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }).toStatus();
}

async function attach(tools: StreamTools, open: StreamOpen, stream: BusStream): Promise<void> {
  const run = runningOf(tools, open);
  const container = definitionOf(podOf(tools, open).pod, open.container);
  if (tools.shim.logFormat === 'raw') return attachTo(tools, run, container, open, stream);
  refuseInput(tools, run, open);
  copyLog(tools, run, { follow: true, tailLines: 0 }, stream);
}

// ---- port-forward ---------------------------------------------------------------------------------------------------

async function portForward(tools: StreamTools, open: StreamOpen, stream: BusStream): Promise<void> {
  const sandbox = readySandbox(podOf(tools, open));
  const { port } = open;
  if (sandbox === undefined || port === undefined)
    throw new ApiError('BadRequest', `pod ${open.pod} has no address to forward to`);
  await forwardPort(tools, sandbox, port, stream);
}

// ---- who is meant ---------------------------------------------------------------------------------------------------

function podOf(tools: StreamTools, open: StreamOpen): PodState {
  const worker = tools.manager.worker(String(open.namespace), String(open.pod), open.uid);
  if (worker === undefined)
    throw new ApiError('NotFound', `pod ${open.namespace}/${open.pod} is not on node ${tools.node}`);
  return worker.state;
}

function runningOf(tools: StreamTools, open: StreamOpen): ContainerState {
  const state = podOf(tools, open);
  const run = latestRun(state, open.container);
  if (run?.state === 'running') return run;
  if (definitionOf(state.pod, open.container) === undefined)
    throw new ApiError('BadRequest', `container ${open.container} is not valid for pod ${open.pod}`);
  throw new ApiError('InternalError', `container ${open.container} of pod ${open.pod} is not running`);
}
