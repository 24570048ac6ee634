// Decides nothing: what the handlers of requests share. Never holds state of its own.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { ApiserverSettings } from '../../../lib/actor/settings.ts';
import type { Access } from '../core/auth/access.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { WatchHub } from '../core/cache/watch-hub.ts';
import type { ServedKinds } from '../core/served-kinds.ts';
import type { Aggregation } from './aggregation/aggregation.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { Authenticator } from './authenticate.ts';
import type { Bootstrap } from './bootstrap/bootstrap.ts';
import type { FlowGate } from './flow-control/flow-gate.ts';
import type { Freshness } from './freshness.ts';
import type { Metrics } from './metrics.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { Writer } from './writer.ts';

export interface ApiParts {
  ctx: ActorContext<ApiserverSettings>;
  cache: ClusterCache;
  hub: WatchHub;
  access: Access;
  /** Absent: nothing is told. */
  audit: AuditLog | undefined;
  flow: FlowGate;
  freshness: Freshness;
  kinds: ServedKinds;
  writer: Writer;
  tokens: ServiceAccountTokens;
  authenticator: Authenticator;
  metrics: Metrics;
  bootstrap: Bootstrap;
  aggregation: Aggregation;
}
