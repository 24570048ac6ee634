// Does: asks one webhook by HTTPS, with its CA and within its time. Never throws and never decides what an answer means: what
// goes wrong is an answer, too.
import { request as httpsRequest } from 'node:https';
import { messageOf } from '../../../../lib/base/errors.ts';
import { isIPv4 } from '../../../../lib/api/formats.ts';
import type { ClusterCache } from '../../core/cache/cluster-cache.ts';
import type { ClientConfig } from '../../core/admission/webhooks.ts';
import { serviceEndpoint } from '../../core/service-endpoint.ts';

/** More than an object can be, with its patch. */
const MOST_BYTES = 8_388_608;

interface Place {
  host: string;
  port: number;
  path: string;
  /** In the certificate. */
  serverName: string;
  shown: string;
}

/** The body of the answer; throws an Error whose message tells what was tried and why it failed. */
export async function postJson(
  cache: ClusterCache,
  config: ClientConfig,
  body: unknown,
  timeoutMs: number,
): Promise<unknown> {
  const place = placeOf(cache, config, `?timeout=${Math.round(timeoutMs / 1000)}s`);
  try {
    return JSON.parse(await post(place, config.caBundle, JSON.stringify(body), timeoutMs)) as unknown;
  } catch (error) {
    throw new Error(`Post ${JSON.stringify(place.shown)}: ${messageOf(error)}`, { cause: error });
  }
}

/** `query` tells the webhook how long it is waited for. */
function placeOf(cache: ClusterCache, { url, service }: ClientConfig, query: string): Place {
  if (service === undefined) {
    const parsed = new URL(url!);
    const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
    return {
      host,
      port: Number(parsed.port || 443),
      path: `${parsed.pathname}${query}`,
      serverName: host,
      shown: `${url!}${query}`,
    };
  }
  const { namespace, name, port = 443 } = service;
  const path = `${service.path ?? '/'}${query}`;
  const serverName = `${name}.${namespace}.svc`;
  const shown = `https://${serverName}:${port}${path}`;
  const address = serviceEndpoint(cache, namespace, name, port);
  if (address === undefined)
    throw new Error(`Post ${JSON.stringify(shown)}: no endpoints available for service ${JSON.stringify(name)}`);
  return { ...address, path, serverName, shown };
}

function post(place: Place, caBundle: string | undefined, text: string, timeoutMs: number): Promise<string> {
  const bytes = Buffer.from(text);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: place.host,
        port: place.port,
        path: place.path,
        method: 'POST',
        agent: false,
        ...(isIPv4(place.serverName) ? {} : { servername: place.serverName }),
        ...(caBundle === undefined || caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': bytes.length },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MOST_BYTES) request.destroy(new Error(`the answer has more than ${MOST_BYTES} bytes`));
          chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`the server answered ${response.statusCode}: ${answer.slice(0, 200)}`));
        });
      },
    );
    request.on('error', (error) =>
      reject(
        error.name === 'TimeoutError' || error.name === 'AbortError' ? new Error('context deadline exceeded') : error,
      ),
    );
    request.end(bytes);
  });
}
