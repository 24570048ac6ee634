import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { HttpsTransport } from '../../lib/client/https-transport.ts';
import { openAuthority } from './certificates.ts';

function folder(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-pki-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return (name: string) => ({ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) });
}

test('a server and a client of one authority know each other; the client is who its certificate says', async (t) => {
  const files = folder(t);
  const authority = await openAuthority('test-ca', files('ca'));
  await authority.issue({ commonName: 'kube-apiserver', usage: 'server', ips: ['127.0.0.1'] }, files('api'));
  await authority.issue({ commonName: 'admin', organizations: ['system:masters'], usage: 'client' }, files('admin'));
  const text = (path: string): string => readFileSync(path, 'utf8');
  const server: Server = createServer(
    {
      cert: text(files('api').cert),
      key: text(files('api').key),
      ca: authority.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const { CN, O } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate().subject as {
        CN: string;
        O: string;
      };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ CN, O }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const transport = new HttpsTransport({
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.certPem,
    cert: text(files('admin').cert),
    key: text(files('admin').key),
  });
  t.deepEqual((await transport.request({ method: 'GET', path: '/' })).body, { CN: 'admin', O: 'system:masters' });
  transport.close();
});

test('what is good stays, byte for byte; a name more makes a new certificate of the same authority', async (t) => {
  const files = folder(t);
  const issue = async (ips: string[]): Promise<string> => {
    const authority = await openAuthority('test-ca', files('ca'));
    await authority.issue({ commonName: 'api', usage: 'server', ips }, files('api'));
    return readFileSync(files('api').cert, 'utf8');
  };
  const first = await issue(['127.0.0.1']);
  t.is(await issue(['127.0.0.1']), first);
  const second = await issue(['127.0.0.1', '10.200.0.1']);
  t.not(second, first);
  const ca = new X509Certificate(readFileSync(files('ca').cert));
  for (const text of [first, second]) t.true(new X509Certificate(text).verify(ca.publicKey));
});

test('a key that does not belong to its certificate is replaced: a crash may leave one', async (t) => {
  const files = folder(t);
  const authority = await openAuthority('test-ca', files('ca'));
  const request = { commonName: 'api', usage: 'server' as const };
  await authority.issue(request, files('api'));
  await authority.issue(request, files('other'));
  writeFileSync(files('api').key, readFileSync(files('other').key));
  await authority.issue(request, files('api'));
  const certificate = new X509Certificate(readFileSync(files('api').cert));
  const { createPrivateKey } = await import('node:crypto');
  t.true(certificate.checkPrivateKey(createPrivateKey(readFileSync(files('api').key))));
});

test('keys are readable by their owner alone', async (t) => {
  const files = folder(t);
  const authority = await openAuthority('test-ca', files('ca'));
  await authority.issue({ commonName: 'api', usage: 'server' }, files('api'));
  for (const name of ['ca', 'api']) t.is(statSync(files(name).key).mode & 0o777, 0o600);
});
