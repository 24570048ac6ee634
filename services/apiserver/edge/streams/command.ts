// Decides what passes between a client that runs or attaches to a command and the kubelet that serves it, whatever the
// client speaks. Never interprets what is typed or printed.
import type { Status } from '../../../../lib/base/errors.ts';
import type { StreamFrame } from '../../../../lib/bus/messages.ts';
import type { BusStream } from '../../../../lib/bus/streams.ts';

export type Told = Partial<Status>;

export interface CommandInput {
  /** Bytes count as taken when the promise resolves. */
  data(bytes: Uint8Array): Promise<void>;
  end(): void;
  resize(width: number, height: number): void;
}

/** One client of one command. */
export interface CommandClient {
  /** Called once. */
  listen(input: CommandInput): void;
  /** Resolves when it has left: only then the command may print more. */
  send(channel: 'stdout' | 'stderr', data: Uint8Array): Promise<void>;
  /** The last word; the first one counts. */
  finish(told: Told): void;
  /** The client is gone, or has been told how it went. */
  readonly closed: Promise<void>;
}

export function serveCommand(client: CommandClient, stream: BusStream): void {
  client.listen({
    data: (bytes) => stream.write('stdin', bytes),
    end: () => stream.end('stdin'),
    resize: (width, height) => stream.resize(width, height),
  });
  void client.closed.then(() => stream.close());
  stream.onFrame((frame) => forward(client, frame));
  // Only of a conversation that has ended without a word: whoever was told already hears nothing more.
  void stream.closed.then(() => client.finish(BROKEN_OFF));
}

const BROKEN_OFF: Told = {
  metadata: {},
  status: 'Failure',
  message: 'the conversation with the kubelet has broken off',
  reason: 'InternalError',
  code: 500,
};

function forward(client: CommandClient, frame: StreamFrame): Promise<void> | undefined {
  switch (frame.type) {
    case 'data':
      return client.send(frame.channel === 'stderr' ? 'stderr' : 'stdout', frame.data);
    case 'exit':
      client.finish(exitStatus(frame.code));
      return undefined;
    case 'error':
      client.finish(frame.status);
      return undefined;
    default:
      return undefined;
  }
}

export function exitStatus(code: number): Told {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** As a client sends it; a size that cannot be read changes nothing. Go reads its names in any case, so clients write both. */
export function sizeOf(body: Uint8Array): { width: number; height: number } | undefined {
  try {
    const entries = Object.entries(JSON.parse(Buffer.from(body).toString()) as object);
    const { width, height } = Object.fromEntries(
      entries.map(([name, value]) => [name.toLowerCase(), value as unknown]),
    );
    const isSize = (value: unknown): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff;
    return isSize(width) && isSize(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}
