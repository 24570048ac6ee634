// Does: talks with containers by `@kubernetes/client-node` as its users do, and hands what was said to a test as text. Never
// speaks a protocol itself.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { Attach, Exec, Log, PortForward, type LogOptions, type V1Status } from '@kubernetes/client-node';
import { kubeconfig } from './cluster-under-test.ts';

export interface Place {
  namespace: string;
  pod: string;
  container: string;
}

/** Keeps what is written to it; `rows` and `columns` make it a terminal in the library's eyes. */
export class Kept extends Writable {
  text = '';
  rows?: number;
  columns?: number;

  override _write(part: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += part.toString();
    done();
  }
}

/** Resolves when the command has ended. */
export async function exec(
  { namespace, pod, container }: Place,
  command: string[],
  stdin?: string,
): Promise<{ stdout: string; stderr: string; status: V1Status }> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const input = stdin === undefined ? null : Readable.from([Buffer.from(stdin)]);
  const ended = Promise.withResolvers<V1Status>();
  const socket = await new Exec(kubeconfig()).exec(
    namespace,
    pod,
    container,
    command,
    stdout,
    stderr,
    input,
    false,
    ended.resolve,
  );
  socket.onclose = () => ended.reject(new Error('the connection was closed before the command had ended'));
  return { status: await ended.promise, stdout: stdout.text, stderr: stderr.text };
}

/** A command, or the container itself where there is none, on a terminal of this size. */
export async function onTerminal(
  { namespace, pod, container }: Place,
  size: { rows: number; columns: number },
  command?: string[],
): Promise<{ said(): string; type(text: string): void; closed: Promise<unknown> }> {
  const stdout = Object.assign(new Kept(), size);
  const stdin = new PassThrough();
  const socket =
    command === undefined
      ? await new Attach(kubeconfig()).attach(namespace, pod, container, stdout, null, stdin, true)
      : await new Exec(kubeconfig()).exec(namespace, pod, container, command, stdout, null, stdin, true);
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  return { said: () => stdout.text, type: (text) => void stdin.write(text), closed };
}

/** What the log says so far, and whether it has ended. */
export async function follow(
  { namespace, pod, container }: Place,
  options: LogOptions,
): Promise<{ said(): string; ended: Promise<unknown>; stop(): void }> {
  const kept = new Kept();
  const ended = once(kept, 'finish');
  const controller = await new Log(kubeconfig()).log(namespace, pod, container, kept, options);
  return { said: () => kept.text, ended, stop: () => controller.abort() };
}

/** A port of this machine that leads to one of the pod, as the library's own example makes it. */
export async function forward(place: Place, port: number): Promise<{ url: string; close(): void }> {
  const forwarding = new PortForward(kubeconfig());
  const server = createServer((socket) => {
    socket.on('error', () => {});
    // Its user has to end the one when the other has ended.
    forwarding.portForward(place.namespace, place.pod, [port], socket, null, socket).then(
      (tunnel) => 'onclose' in tunnel && (tunnel.onclose = () => socket.end()),
      () => socket.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() };
}
