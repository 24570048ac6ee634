// Shows what is in a certificate that answers a request, and that a request whose sender does not hold its key gets none.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openAuthority } from '../../../launcher/edge/certificates.ts';
import { parseCertificateRequest } from '../../../lib/api/certificate-request.ts';
import { makeCertificateRequest } from '../../../test/kit/certificate-requests.ts';
import { openCertificateAuthority } from './certificate-authority.ts';

const DAY_MS = 86_400_000;

async function authority(t: import('ava').ExecutionContext) {
  const dir = await mkdtemp(join(tmpdir(), 'ca-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const files = { certFile: join(dir, 'ca.crt'), keyFile: join(dir, 'ca.key') };
  await openAuthority('the-ca', { cert: files.certFile, key: files.keyFile });
  const issue = await openCertificateAuthority(files);
  return { issue, ca: new X509Certificate(await readFile(files.certFile)), files };
}

test('a certificate says whom it is for, what for, how long, and who signed it', async (t) => {
  const { issue, ca } = await authority(t);
  for (const key of ['ec', 'rsa'] as const) {
    const { request, keyPem } = await makeCertificateRequest({
      commonName: 'system:node:n1',
      organizations: ['system:nodes'],
      dnsNames: ['n1.example.com'],
      ips: ['10.1.2.3'],
      key,
    });
    const parsed = parseCertificateRequest(request);
    t.is(parsed.commonName, 'system:node:n1');
    t.deepEqual(parsed.organizations, ['system:nodes']);
    t.deepEqual(parsed.names, { dns: 1, email: 0, ip: 1, uri: 0 });
    const now = Math.floor(Date.now() / 1000) * 1000;
    const usages = ['digital signature', 'key encipherment', 'server auth', 'client auth'];
    const issued = issue(parsed, { usages, notBeforeMs: now, notAfterMs: now + DAY_MS });
    const certificate = new X509Certificate('pem' in issued ? issued.pem : '');
    t.true(certificate.verify(ca.publicKey));
    t.true(certificate.checkIssued(ca));
    t.true(certificate.checkPrivateKey(createPrivateKey(keyPem)));
    t.false(certificate.ca);
    t.is(certificate.subject, 'O=system:nodes\nCN=system:node:n1');
    t.is(certificate.subjectAltName, 'DNS:n1.example.com, IP Address:10.1.2.3');
    t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    t.is(Date.parse(certificate.validFrom), now);
    t.is(Date.parse(certificate.validTo), now + DAY_MS);
  }
});

test('no certificate outlives its authority', async (t) => {
  const { issue, ca } = await authority(t);
  const { request } = await makeCertificateRequest({ commonName: 'a' });
  const terms = { usages: ['any', 'cert sign'], notBeforeMs: Date.now(), notAfterMs: Date.now() + 36_500 * DAY_MS };
  const issued = issue(parseCertificateRequest(request), terms);
  t.is(new X509Certificate('pem' in issued ? issued.pem : '').validTo, ca.validTo);
});

test('who does not hold the key gets no certificate', async (t) => {
  const { issue } = await authority(t);
  const parsed = parseCertificateRequest((await makeCertificateRequest({ commonName: 'a' })).request);
  const other = parseCertificateRequest((await makeCertificateRequest({ commonName: 'a' })).request);
  const terms = { usages: ['client auth'], notBeforeMs: 0, notAfterMs: DAY_MS };
  const problem = { problem: 'unable to verify certificate request signature' };
  t.deepEqual(issue({ ...parsed, signature: other.signature }, terms), problem);
  t.deepEqual(issue({ ...parsed, algorithm: '1.2.3' }, terms), problem);
});

test('an authority that cannot sign says so at once', async (t) => {
  const { files } = await authority(t);
  const { files: others } = await authority(t);
  await t.throwsAsync(openCertificateAuthority({ ...files, keyFile: others.keyFile }), {
    message: /could not be read from .*ca\.crt.*the key is not that of the certificate/,
  });
  await t.throwsAsync(openCertificateAuthority({ ...files, certFile: '/nowhere' }), { message: /nowhere.*ENOENT/ });
});
