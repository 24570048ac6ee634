// Does: a small HTTPS server of a test, with the certificate of its API server: a webhook or an extension API. Ends with its
// test. Never decides what is answered.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { TestApi } from './api-server.ts';

export interface HttpsService {
  url: string;
  port: number;
  server: Server;
  stop(): Promise<void>;
}

/** `more`: options of the TLS server, as a CA of clients. */
export async function httpsService(
  t: ExecutionContext,
  api: Pick<TestApi, 'dir'>,
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
  more: object = {},
): Promise<HttpsService> {
  const tls = {
    cert: readFileSync(join(api.dir, 'server.crt')),
    key: readFileSync(join(api.dir, 'server.key')),
    ...more,
  };
  const server = createServer(tls, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('error', () => {});
    request.on('end', () => answer(request, text, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  t.teardown(stop);
  return { url: `https://127.0.0.1:${port}`, port, server, stop };
}
