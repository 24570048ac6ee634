// Does: holds a Lease so that one instance of an actor leads. Never lets an instance believe that it leads after its
// lease has run out by its own clock: it stops leading before another may start.
import { RESOURCES } from '../api/resource.ts';
import type { Lease } from '../api/generated/types.ts';
import { toMicroTime, type Clock, type Timer } from '../base/clock.ts';
import { isReason, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Client } from './client.ts';

export interface ElectionOptions {
  namespace: string;
  name: string;
  identity: string;
  leaseSeconds: number;
  onStarted(): void;
  onStopped(): void;
}

export interface Election {
  readonly leads: boolean;
  /** Gives the lease back, so that the next leader need not wait. */
  stop(): Promise<void>;
}

const TROUBLE_RETRY_MS = 300;

export function electLeader(ctx: { client: Client; clock: Clock; log: Log }, options: ElectionOptions): Election {
  let leads = false;
  let stopped = false;
  let timer: Timer | undefined;
  let deadline = 0;
  /** What was last seen of another holder, and when by our own clock: clocks of two machines are never compared. */
  let seen = { version: '', at: 0 };
  const retryMs = (options.leaseSeconds * 1000) / 5;
  const renewDeadlineMs = (options.leaseSeconds * 1000 * 2) / 3;

  const lose = (why: string): void => {
    if (!leads) return;
    leads = false;
    ctx.log.warn({ lease: options.name, why }, 'no longer leading');
    options.onStopped();
  };

  const hold = (): void => {
    deadline = ctx.clock.monotonic() + renewDeadlineMs;
    if (leads) return;
    leads = true;
    ctx.log.info({ lease: options.name }, 'leading');
    options.onStarted();
  };

  const turn = async (): Promise<void> => {
    let pauseMs = retryMs;
    try {
      await tryHold();
    } catch (error) {
      // Most often the API is not there yet: everything waits for a leader then.
      pauseMs = Math.min(retryMs, TROUBLE_RETRY_MS);
      ctx.log.debug({ lease: options.name, error: messageOf(error) }, 'lease not renewed');
    }
    if (leads && ctx.clock.monotonic() > deadline) lose('the lease could not be renewed in time');
    if (!stopped) timer = ctx.clock.timer(pauseMs, () => void turn());
  };

  const tryHold = async (): Promise<void> => {
    const at = { namespace: options.namespace, name: options.name };
    const now = toMicroTime(ctx.clock.now());
    let lease: Lease;
    try {
      lease = await ctx.client.get<Lease>(RESOURCES.leases, at);
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      await ctx.client.create(RESOURCES.leases, options.namespace, {
        metadata: { name: options.name, namespace: options.namespace },
        spec: {
          holderIdentity: options.identity,
          leaseDurationSeconds: options.leaseSeconds,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: 0,
        },
      });
      return hold();
    }
    const holder = lease.spec?.holderIdentity ?? '';
    const isOurs = holder === options.identity;
    if (!isOurs && leads) lose(`${holder} holds the lease`);
    if (!isOurs && holder !== '' && !hasExpired(lease)) return;
    await ctx.client.update(RESOURCES.leases, at, {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: options.identity,
        leaseDurationSeconds: options.leaseSeconds,
        renewTime: now,
        acquireTime: isOurs ? (lease.spec?.acquireTime ?? now) : now,
        leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
      },
    });
    hold();
  };

  const hasExpired = (lease: Lease): boolean => {
    const version = lease.metadata.resourceVersion ?? '';
    if (version !== seen.version) seen = { version, at: ctx.clock.monotonic() };
    return ctx.clock.monotonic() - seen.at > (lease.spec?.leaseDurationSeconds ?? options.leaseSeconds) * 1000;
  };

  const release = async (): Promise<void> => {
    const at = { namespace: options.namespace, name: options.name };
    const lease = await ctx.client.get<Lease>(RESOURCES.leases, at);
    if (lease.spec?.holderIdentity === options.identity)
      await ctx.client.update(RESOURCES.leases, at, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
  };

  void turn();
  return {
    get leads() {
      return leads;
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      if (!leads) return;
      lose('stopping');
      await Promise.race([release().catch(() => {}), new Promise<void>((resolve) => ctx.clock.timer(1000, resolve))]);
    },
  };
}
