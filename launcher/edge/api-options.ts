// Does: reads the files that `up` is given for the API, an audit policy and a provider's authority, before anything is started
// with them. Never decides what they must say (lib/api does).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAuditPolicy } from '../../lib/api/audit-policy.ts';
import { messageOf } from '../../lib/base/errors.ts';
import { OptionError, type Cluster, type ClusterOptions } from '../core/cluster.ts';
import type { Home } from '../core/home.ts';
import { isAlive, readRecord } from './processes.ts';

/** As policy: nothing is told any more. */
const OFF = 'off';

/** The cluster with what is asked for; as it was where nothing is. Throws OptionError. */
export function withApiOptions(
  cluster: Cluster,
  options: ClusterOptions,
  home: Home,
  say: (line: string) => void,
): Cluster {
  const changed = withOidc(withAudit(cluster, options, home), options);
  const running = cluster.apiservers.filter((instance) => {
    const record = readRecord(home.pidFile(instance));
    return record !== undefined && isAlive(record);
  });
  if (running.length > 0 && JSON.stringify(changed) !== JSON.stringify(cluster))
    say(
      `${running.join(', ')} will know of the audit log and the provider at the next start: flotilla stop ${running[0]}, then flotilla start ${running[0]}`,
    );
  return changed;
}

function withAudit(cluster: Cluster, { auditPolicy, auditLog }: ClusterOptions, home: Home): Cluster {
  if (auditPolicy === undefined) return cluster;
  const { audit: before, ...rest } = cluster;
  if (auditPolicy === OFF) return rest;
  const policyFile = resolve(auditPolicy);
  reading('--audit-policy', auditPolicy, () => parseAuditPolicy(readFileSync(policyFile, 'utf8'), policyFile));
  const file = auditLog === undefined ? (before?.file ?? `${home.logs}/audit.log`) : resolve(auditLog);
  return { ...rest, audit: { policyFile, file } };
}

function withOidc(cluster: Cluster, { oidc }: ClusterOptions): Cluster {
  if (oidc === undefined) return cluster;
  const { caFile } = oidc;
  if (caFile !== undefined) reading('--oidc-ca-file', caFile, () => readFileSync(caFile));
  return { ...cluster, oidc };
}

function reading(option: string, value: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw new OptionError(`${option} ${value}: ${messageOf(error)}`);
  }
}
