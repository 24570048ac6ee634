// Does: asks one webhook by HTTPS, with its CA and within its time. Never throws and never decides what an answer means: what
// goes wrong is an answer, too.
import type { IncomingHttpHeaders } from 'node:http';
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
    // A server that answers was reached: what it says is no matter of the way to it.
    if (error instanceof Answered) throw error;
    if (error instanceof SyntaxError)
      throw new Error(`couldn't get version/kind; json parse error: ${error.message}`, { cause: error });
    throw new Error(`Post ${JSON.stringify(place.shown)}: ${networkProblem(error, place)}`, { cause: error });
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
  if (address === undefined) {
    const isThere = cache.get({ stream: 'core/services', namespace, name }) !== undefined;
    const told = JSON.stringify(name);
    const why = isThere ? `no endpoints available for service ${told}` : `service ${told} not found`;
    throw new Error(`Post ${JSON.stringify(shown)}: ${why}`);
  }
  return { ...address, path, serverName, shown };
}

/** A server's own no. */
class Answered extends Error {}

const CODES: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'forbidden',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  408: 'the server timed out responding, but its error message is unavailable',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** What client-go makes of an answer that is no success. */
function problemOfCode(code: number, body: string): string {
  const known = CODES[code];
  if (known !== undefined) return known;
  const text = body.trim() === '' ? 'unknown' : body.trim().slice(0, 2048);
  return code >= 500
    ? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
    : `the server responded with the status code ${code} but did not return more information`;
}

/** An answer without a type is taken for one in the type that was asked for. */
const emptyAnswer = (code: number, headers: IncomingHttpHeaders): string =>
  `0-length response with status code: ${code} and content type: ${headers['content-type'] ?? 'application/json'}`;

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** In the words that users of Kubernetes know. */
function networkProblem(error: unknown, { host, port, serverName }: Place): string {
  const { code = '', cert } = error as { code?: string; cert?: { subjectaltname?: string } };
  if (code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`;
  if (code === 'ECONNRESET') return 'EOF';
  const unverified = 'tls: failed to verify certificate: x509: ';
  if (UNKNOWN_AUTHORITY.has(code)) return `${unverified}certificate signed by unknown authority`;
  if (code === 'CERT_HAS_EXPIRED') return `${unverified}certificate has expired or is not yet valid`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = (cert?.subjectaltname ?? '').replaceAll(/\b(DNS|IP Address):/g, '');
    return `${unverified}certificate is valid for ${names}, not ${serverName}`;
  }
  return messageOf(error);
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
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'content-length': bytes.length,
        },
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
          const code = response.statusCode ?? 500;
          if (code >= 200 && code < 300 && answer === '') reject(new Answered(emptyAnswer(code, response.headers)));
          else if (code >= 200 && code < 300) resolve(answer);
          else reject(new Answered(problemOfCode(code, answer)));
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
