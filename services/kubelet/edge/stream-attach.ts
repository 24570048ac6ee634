// Does: serves attach: what is typed goes to the container's own standard input, what it prints from now on comes back.
// Never starts anything, and ends nothing but the input of a container that asked for one session.
import { ApiError } from '../../../lib/base/errors.ts';
import type { Container } from '../../../lib/api/generated/types.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import type { BusStream } from '../../../lib/bus/streams.ts';
import type { ContainerInput, ContainerState } from '../../../runtime-shims/contract.ts';
import { OutputFollower } from './output-follower.ts';
import type { StreamTools } from './streams.ts';

/**
 * Resolves once it is attached; the copying goes on behind it. Of a container that hears one session the end of what is typed is
 * the end of its input, and its output is told on; any other one hears on, and the session ends, as upstream.
 */
export async function attachTo(
  tools: Pick<StreamTools, 'clock' | 'shim' | 'view'>,
  run: ContainerState,
  container: Pick<Container, 'stdinOnce' | 'tty'> | undefined,
  open: StreamOpen,
  stream: BusStream,
): Promise<void> {
  const input = await inputOf(tools, run, open);
  // Where the output begins is settled before anything is typed: the answer to it must not be missed.
  const output = await OutputFollower.open(run.logPath).catch(async (error: unknown) => {
    await input?.close();
    throw error;
  });
  let isClosed = false;
  // A container that takes no input must not keep a client's end from being heard.
  void stream.peerGone.then(async () => {
    isClosed = true;
    await input?.close();
  });
  const goesOn = open.stdin !== true || (container?.stdinOnce === true && container.tty !== true);
  let hasEnded = false;
  takeInput(input, stream, () => (hasEnded = !goesOn));
  const followed = output.follow(tools.clock, {
    mayGrow: () => !hasEnded && tools.view.container(run.id)?.state === 'running',
    isCancelled: () => isClosed,
    write: (data) => stream.write('stdout', data),
  });
  followed.then(
    () => stream.exit(0),
    (error: unknown) =>
      stream.fail(new ApiError('InternalError', `attaching to container ${run.name}: ${String(error)}`).toStatus()),
  );
}

async function inputOf(
  tools: Pick<StreamTools, 'shim'>,
  run: ContainerState,
  open: StreamOpen,
): Promise<ContainerInput | undefined> {
  if (open.stdin !== true && open.tty !== true) return undefined;
  if (tools.shim.openInput !== undefined) return tools.shim.openInput(run.id);
  refuseInput(tools, run, open);
  return undefined;
}

export function refuseInput(tools: Pick<StreamTools, 'shim'>, run: ContainerState, open: StreamOpen): void {
  if (open.stdin !== true) return;
  const message = `container ${run.name}: the runtime ${tools.shim.name} gives no way to the input of a running container; use exec`;
  throw new ApiError('BadRequest', message);
}

/** A container that was started without standard input hears nothing, as upstream has it. */
function takeInput(input: ContainerInput | undefined, stream: BusStream, onEnd: () => void): void {
  stream.onFrame(async (frame) => {
    const stdin = input?.stdin;
    if (frame.type === 'data' && stdin?.writable === true)
      // Consumed only when the container has taken it: credit then holds back the sender.
      await new Promise<void>((resolve) => stdin.write(frame.data, () => resolve()));
    if (frame.type === 'end') {
      await input?.close();
      onEnd();
    }
    if (frame.type === 'resize') input?.resize(frame.width, frame.height);
  });
}
