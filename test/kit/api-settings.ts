// Does: lays an API actor's certificates and keys into a directory, and gives the settings that name them: what the API in the
// test's own process and those in processes of their own have alike. Never starts one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePrivateKey, openAuthority, type Authority } from '../../launcher/edge/certificates.ts';
import type { ApiserverSettings } from '../../lib/actor/settings.ts';

/** The authority that signs clients; the server's certificate and the key of service accounts lie beside it. */
export async function layApiFiles(directory: string): Promise<Authority> {
  const file = (name: string): string => join(directory, name);
  const authority = await openAuthority('test', { cert: file('ca.crt'), key: file('ca.key') });
  await authority.issue(
    { commonName: 'apiserver', usage: 'server', dnsNames: ['localhost'], ips: ['127.0.0.1'] },
    { cert: file('server.crt'), key: file('server.key') },
  );
  await ensurePrivateKey(file('sa.key'));
  return authority;
}

/** What a client needs to speak to any of the actors as an admin. */
export interface ApiCredentials {
  ca: string;
  cert: string;
  key: string;
}

/** Of a client that may do everything. */
export async function adminCredentials(directory: string, authority: Authority): Promise<ApiCredentials> {
  const admin = { cert: join(directory, 'admin.crt'), key: join(directory, 'admin.key') };
  await authority.issue({ commonName: 'admin', organizations: ['system:masters'], usage: 'client' }, admin);
  return { ca: authority.certPem, cert: readFileSync(admin.cert, 'utf8'), key: readFileSync(admin.key, 'utf8') };
}

export function apiSettings(
  clusterName: string,
  directory: string,
  port: number,
  stores: readonly string[],
): ApiserverSettings {
  const file = (name: string): string => join(directory, name);
  return {
    cluster: {
      name: clusterName,
      clusterId: 'test',
      domain: 'cluster.local',
      podCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      dnsIp: '10.96.0.10',
    },
    listen: ['127.0.0.1'],
    port,
    certFile: file('server.crt'),
    keyFile: file('server.key'),
    clientCaFile: file('ca.crt'),
    tokenFile: file('tokens.csv'),
    serviceAccountKeyFile: file('sa.key'),
    advertiseAddress: '10.0.0.1',
    stores: [...stores],
  };
}
