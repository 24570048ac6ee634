// Does: speaks with the client of a command over SPDY: one stream a channel, which the client opens first. Never starts
// before all that were announced are there.
import type { Clock } from '../../../../lib/base/clock.ts';
import { RESET } from '../../../../lib/streams/spdy/frames.ts';
import type { SpdyStream } from '../../../../lib/streams/spdy/stream.ts';
import { sizeOf, type CommandClient, type CommandInput } from './command.ts';
import { acceptSpdy, type Upgrade } from './upgrades.ts';
import { lastWord } from './websocket-command.ts';

/** Best first, as clients offer them; without an offer it is the last. */
const VERSIONS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const;
export type SpdyVersion = (typeof VERSIONS)[number];
export const spdyVersions: readonly string[] = VERSIONS;

/** The client's order decides. undefined: nothing in common. */
export function chosenVersion(offered: readonly string[]): SpdyVersion | undefined {
  if (offered.length === 0) return 'channel.k8s.io';
  return VERSIONS.find((name) => name === offered.find((one) => spdyVersions.includes(one)));
}

export interface Wanted {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/** So long may a client take to open its streams; upstream's time. */
const STREAMS_MS = 30_000;

export function announced({ stdin, stdout, stderr, tty }: Wanted, version: SpdyVersion): Set<StreamType> {
  const resizes = tty && (version === 'v3.channel.k8s.io' || version === 'v4.channel.k8s.io');
  return new Set<StreamType>([
    'error',
    ...(stdin ? ['stdin' as const] : []),
    ...(stdout ? ['stdout' as const] : []),
    ...(stderr && !tty ? ['stderr' as const] : []),
    ...(resizes ? ['resize' as const] : []),
  ]);
}

/** Serves once all streams are there; a client that does not open them is let go, and `abandon` is called. */
export function spdyCommand(
  upgrade: Upgrade,
  version: SpdyVersion,
  wanted: Wanted,
  clock: Clock,
  serve: (client: CommandClient) => void,
  abandon: () => void,
): void {
  const missing = announced(wanted, version);
  const streams = new Map<StreamType, SpdyStream>();
  const connection = acceptSpdy(upgrade, version, clock, (stream) => {
    const type = (stream.headers.get('streamtype') ?? '') as StreamType;
    if (!missing.delete(type)) return stream.reset(RESET.refusedStream);
    streams.set(type, stream);
    if (missing.size > 0) return;
    timer.cancel();
    serve(clientOf(streams, version, connection));
  });
  const timer = clock.timer(STREAMS_MS, () => connection.close());
  void connection.closed.then(() => {
    timer.cancel();
    if (missing.size > 0) abandon();
  });
}

function clientOf(
  streams: ReadonlyMap<StreamType, SpdyStream>,
  version: SpdyVersion,
  connection: { closed: Promise<unknown>; close(): void },
): CommandClient {
  let isFinished = false;
  return {
    closed: connection.closed.then(() => {}),
    listen: (input) => listen(streams, input),
    send: (channel, data) => streams.get(channel)?.write(data) ?? Promise.resolve(),
    finish(told) {
      if (isFinished) return;
      isFinished = true;
      const text = lastWord(told, version === 'v4.channel.k8s.io');
      const error = streams.get('error')!;
      streams.get('stdout')?.end();
      streams.get('stderr')?.end();
      // Nothing more is written by then: a client that reads nothing is not waited for.
      if (text !== undefined) void error.write(Buffer.from(text));
      error.end();
      connection.close();
    },
  };
}

function listen(streams: ReadonlyMap<StreamType, SpdyStream>, input: CommandInput): void {
  streams.get('stdin')?.read({ data: (bytes) => input.data(bytes), end: () => input.end() });
  let text = '';
  streams.get('resize')?.read({
    end: () => {},
    // Each size is a line of JSON, in whatever pieces it comes.
    data: (bytes) => {
      const lines = (text + bytes.toString()).split('\n');
      text = lines.pop()!.slice(-1_000);
      const size = lines.map((line) => sizeOf(Buffer.from(line))).findLast((one) => one !== undefined);
      if (size !== undefined) input.resize(size.width, size.height);
    },
  });
}
