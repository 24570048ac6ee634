// Does: sends one request to an extension API server, over connections that are kept, as the front proxy that it believes.
// Never decides whom it is sent for.
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { isIPv4 } from '../../../../lib/api/formats.ts';
import { endpointOf, type Remote } from '../../core/aggregation.ts';
import type { Address } from '../../core/service-endpoint.ts';
import type { ApiParts } from '../parts.ts';

export interface RemoteRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: OutgoingHttpHeaders;
  body?: Uint8Array;
  signal?: AbortSignal;
}

interface Kept {
  /** What the agent was made for: another CA or certificate needs another. */
  key: string;
  agent: Agent;
}

export class Remotes {
  readonly #parts: () => ApiParts;
  readonly #agents = new Map<string, Kept>();
  #certificate: { cert: string; key: string } | undefined;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  close(): void {
    for (const { agent } of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** Where it is at this moment. */
  addressOf(remote: Remote): Address | undefined {
    return endpointOf(this.#parts().cache, remote.service);
  }

  /** The request, not yet ended: whoever asked listens to it first. */
  open(remote: Remote, address: Address, asked: RemoteRequest): ClientRequest {
    const { method, path, headers, signal } = asked;
    return httpsRequest({
      ...address,
      method,
      path,
      headers,
      agent: this.#agentOf(remote),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The answer's head; rejects when there is none. */
  send(remote: Remote, address: Address, asked: RemoteRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.open(remote, address, asked);
      request.once('response', resolve);
      request.once('error', (error) =>
        reject(error.name === 'TimeoutError' ? new Error('context deadline exceeded') : error),
      );
      request.end(asked.body);
    });
  }

  #agentOf(remote: Remote): Agent {
    const { name, service, ca, isInsecure } = remote;
    const certificate = this.#clientCertificate();
    const key = JSON.stringify([service, ca, isInsecure]);
    const known = this.#agents.get(name);
    if (known?.key === key) return known.agent;
    known?.agent.destroy();
    const serverName = `${service.name}.${service.namespace}.svc`;
    const agent = new Agent({
      keepAlive: true,
      ...certificate,
      ...(isIPv4(serverName) ? {} : { servername: serverName }),
      ...(ca === undefined ? {} : { ca }),
      rejectUnauthorized: !isInsecure,
    });
    this.#agents.set(name, { key, agent });
    return agent;
  }

  #clientCertificate(): { cert: string; key: string } | undefined {
    const files = this.#parts().ctx.settings.frontProxy;
    if (files === undefined) return undefined;
    return (this.#certificate ??= {
      cert: readFileSync(files.certFile, 'utf8'),
      key: readFileSync(files.keyFile, 'utf8'),
    });
  }
}

/** The whole body of an answer, which may not be endless. */
export async function bodyOf(answer: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) {
      answer.destroy();
      throw new Error(`the answer has more than ${mostBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
