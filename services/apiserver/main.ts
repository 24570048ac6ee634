// Introduces the API server's core to its edges: store, cache, HTTPS, bus, the first objects. Never decides anything
// itself.
import type { ActorContext, StartActor } from '../../lib/actor/context.ts';
import type { ApiserverSettings } from '../../lib/actor/settings.ts';
import { BrokenPromiseError } from '../../lib/base/errors.ts';
import { sleep } from '../../lib/base/clock.ts';
import { Access } from './core/auth/access.ts';
import type { AppliedChange } from './core/cache/cache-event.ts';
import { WatchHub } from './core/cache/watch-hub.ts';
import { ServedKinds } from './core/served-kinds.ts';
import { Aggregation } from './edge/aggregation/aggregation.ts';
import { AccountSecrets } from './edge/account-secrets.ts';
import { AuditLog } from './edge/audit/audit-log.ts';
import { Authenticator } from './edge/authenticate.ts';
import { Bootstrap } from './edge/bootstrap/bootstrap.ts';
import { CustomResources } from './edge/custom-resources/custom-resources.ts';
import { RoleAggregation } from './edge/role-aggregation.ts';
import { serveBus } from './edge/bus-front.ts';
import { expireEvents } from './edge/event-expiry.ts';
import { FlowGate } from './edge/flow-control/flow-gate.ts';
import { Freshness } from './edge/freshness.ts';
import { serveHttps } from './edge/http-front.ts';
import { Metrics } from './edge/metrics.ts';
import { dropOldAddresses } from './edge/old-addresses.ts';
import { LegacyTokenUses } from './edge/legacy-token-uses.ts';
import { OidcTokens } from './edge/oidc-tokens.ts';
import type { ApiParts } from './edge/parts.ts';
import { Publisher } from './edge/publisher.ts';
import { ServiceAccountTokens } from './edge/service-account-tokens.ts';
import { expireStates } from './edge/state-expiry.ts';
import { StaticTokens } from './edge/static-tokens.ts';
import { StoreClient } from './edge/store-client.ts';
import { StoreFeed } from './edge/store-feed.ts';
import { Writer } from './edge/writer.ts';

/** A start with a store that answers takes less; one without serves reads and goes on trying. */
const BOOTSTRAP_PATIENCE_MS = 6_000;

export const start: StartActor<ApiserverSettings> = async (ctx) => {
  // First: an API that is to be audited does not begin without a policy, nor one whose provider is misspelt.
  const watchers = watchersOf(ctx);
  const store = new StoreClient(ctx, ctx.settings.stores);
  let listener = (_applied: AppliedChange[]): void => {};
  const feed = await StoreFeed.open(ctx, store, {
    changes: (applied) => listener(applied),
    lost: (revision, oldest) => die(ctx, revision, oldest),
  });
  const { cache } = feed;
  const hub = new WatchHub(cache);
  const publisher = new Publisher(ctx, cache);
  const parts = assemble(ctx, store, feed, hub, watchers);
  const customResources = new CustomResources(() => parts);
  const accountSecrets = new AccountSecrets(() => parts);
  const roles = new RoleAggregation(() => parts);
  listener = (applied) => {
    for (const { event, stored } of applied) {
      hub.dispatch(event);
      publisher.publish(event, stored);
      accountSecrets.seen(event);
    }
    for (const stream of new Set(applied.map(({ event }) => event.stream))) {
      customResources.wake(stream);
      roles.wake(stream);
      parts.aggregation.wake(stream);
      parts.bootstrap.wake(stream);
    }
  };
  // Whatever fails while this starts, what was begun is undone: the actor is started again on the same bus.
  const running: Array<() => unknown> = [() => feed.stop()];
  const stop = async (): Promise<void> => {
    for (const end of running.splice(0).toReversed()) await end();
  };
  try {
    running.push(() => parts.audit?.flush());
    parts.flow.start(ctx.chance);
    running.push(() => parts.flow.stop());
    const https = await serveHttps(parts);
    running.push(() => https.close());
    const bus = serveBus(parts);
    running.push(() => bus.unsubscribe());
    publisher.start();
    running.push(() => publisher.stop());
    const reconnected = ctx.bus.onStatus((status) => {
      if (status === 'connected') void feed.catchUp().then(() => publisher.progress());
    });
    running.push(() => reconnected.unsubscribe());
    running.push(() => parts.bootstrap.stop());
    await Promise.race([parts.bootstrap.start(), sleep(ctx.clock, BOOTSTRAP_PATIENCE_MS)]);
    roles.start();
    running.push(() => roles.stop());
    accountSecrets.start();
    running.push(() => accountSecrets.stop());
    customResources.start();
    running.push(() => customResources.stop());
    parts.aggregation.start();
    running.push(() => parts.aggregation.stop());
    const expiry = expireEvents(parts);
    running.push(() => expiry.stop());
    const states = expireStates(ctx, cache);
    running.push(() => states.stop());
    const oldAddresses = dropOldAddresses(ctx, store, cache);
    running.push(() => oldAddresses.stop());
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    status: () => ({
      revision: feed.revision,
      watches: hub.size,
      pendingWrites: store.pendingWrites,
      quorum: parts.freshness.hasQuorum,
      ready: parts.bootstrap.isDone,
    }),
    stop,
  };
};

interface Watchers {
  audit: AuditLog | undefined;
  oidc: OidcTokens | undefined;
}

function watchersOf({ settings, clock, log }: ActorContext<ApiserverSettings>): Watchers {
  return {
    audit: settings.audit === undefined ? undefined : new AuditLog(settings.audit, clock, log),
    oidc: settings.oidc === undefined ? undefined : new OidcTokens(settings.oidc, clock, log),
  };
}

function assemble(
  ctx: ActorContext<ApiserverSettings>,
  store: StoreClient,
  feed: StoreFeed,
  hub: WatchHub,
  { audit, oidc }: Watchers,
): ApiParts {
  const { cache } = feed;
  const access = new Access(cache);
  const freshness = new Freshness(ctx, store, feed);
  const tokens = new ServiceAccountTokens(ctx.settings.serviceAccountKeyFile);
  const staticTokens = new StaticTokens(ctx.settings.tokenFile, ctx.clock, ctx.log);
  const metrics = new Metrics(cache, ctx.settings.cluster.serviceCidr);
  audit?.countIn(metrics.registry);
  const parts: ApiParts = {
    ctx,
    cache,
    hub,
    access,
    freshness,
    kinds: new ServedKinds(cache),
    tokens,
    writer: new Writer(ctx, store, freshness),
    authenticator: new Authenticator(cache, access, {
      fromFile: staticTokens,
      ofAccounts: tokens,
      uses: new LegacyTokenUses(() => parts),
      oidc,
    }),
    bootstrap: new Bootstrap(() => parts),
    aggregation: new Aggregation(() => parts),
    metrics,
    audit,
    flow: new FlowGate(ctx.clock, cache, metrics.registry, ctx.settings.flowControl),
  };
  return parts;
}

/** A cache with a hole would lie for ever: the process ends, and is started again with a whole one. */
function die(ctx: ActorContext, revision: number, oldest: number): void {
  ctx.log.error({ revision, oldest }, 'the store has forgotten what this API actor has not seen; it starts anew');
  setImmediate(() => {
    throw new BrokenPromiseError(`revisions between ${revision} and ${oldest} are compacted away`);
  });
}
