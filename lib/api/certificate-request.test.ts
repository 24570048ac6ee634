// Shows what is read of a request for a certificate, and how text that is none is refused.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { parseCertificateRequest } from './certificate-request.ts';

/** Made by openssl: O=devs, CN=alice, an EC key. */
const ALICE = `-----BEGIN CERTIFICATE REQUEST-----
MIHbMIGBAgEAMB8xDTALBgNVBAoMBGRldnMxDjAMBgNVBAMMBWFsaWNlMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAExS3zr3yJnefGKhutfV1aP8yvUV1Yjxov4HH8
u+r48lgfHqpe3/BxfWDfeJ2KALoRN7iS0I22QT+QfneeYejTa6AAMAoGCCqGSM49
BAMCA0kAMEYCIQDntDfj1juFIrgvUJdWCu2JFpH3MV/VhAkT3ZgAcB2ghAIhAOTO
JeY8xbXoTcJFZrE+4aQ/ti2gOHr90eLEoFo+dJjw
-----END CERTIFICATE REQUEST-----
`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('a request says who asks, for which key', (t) => {
  const request = parseCertificateRequest(base64(ALICE));
  t.is(request.commonName, 'alice');
  t.deepEqual(request.organizations, ['devs']);
  t.deepEqual(request.names, { dns: 0, email: 0, ip: 0, uri: 0 });
  t.is(request.algorithm, '1.2.840.10045.4.3.2');
  t.is(request.otherNames, undefined);
});

test('what is no request is refused in the words of Kubernetes', (t) => {
  const message = 'PEM block type must be CERTIFICATE REQUEST';
  for (const text of ['', 'hi', ALICE.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')])
    t.throws(() => parseCertificateRequest(base64(text)), { message });
  t.throws(() => parseCertificateRequest('%'), { message });
});

test('bytes that are no DER are refused, never misread', (t) => {
  const der = Uint8Array.fromBase64(ALICE.replaceAll(/-----[^-]+-----|\s/g, ''));
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
      const broken = Uint8Array.from(der);
      broken[at] = byte;
      const text = `-----BEGIN CERTIFICATE REQUEST-----\n${broken.toBase64()}\n-----END CERTIFICATE REQUEST-----\n`;
      try {
        parseCertificateRequest(base64(text));
      } catch (error) {
        if (!/^(asn1|x509): /.test((error as Error).message)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
