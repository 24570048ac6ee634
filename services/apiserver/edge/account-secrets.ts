// Does: fills Secrets of type kubernetes.io/service-account-token with a token of their account, and removes those whose
// account is gone. Never touches another Secret.
import { readFileSync } from 'node:fs';
import type { Timer } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { legacyClaims } from '../core/auth/legacy-tokens.ts';
import type { CacheEvent } from '../core/cache/cache-event.ts';
import { mergePatch, remove } from './bootstrap/internal-calls.ts';
import type { ApiParts } from './parts.ts';

const SECRETS = 'core/secrets';
const ACCOUNTS = 'core/serviceaccounts';
const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const AGAIN_MS = 2_000;

export class AccountSecrets {
  readonly #parts: () => ApiParts;
  readonly #due = new Map<string, { namespace: string; name: string }>();
  #working = false;
  #started = false;
  #stopped = false;
  #again: Timer | undefined;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#started = true;
    this.#note(undefined);
  }

  stop(): void {
    this.#stopped = true;
    this.#again?.cancel();
  }

  seen(event: CacheEvent): void {
    if (event.stream === SECRETS && event.after?.object['type'] === TYPE) this.#add(event.after);
    else if (event.stream === ACCOUNTS && event.after === undefined) this.#note(event.before?.namespace);
  }

  /** All of a namespace, or of all. */
  #note(namespace: string | undefined): void {
    for (const item of this.#parts().cache.list(SECRETS, namespace)) if (item.object['type'] === TYPE) this.#add(item);
  }

  #add({ namespace, name }: { namespace: string; name: string }): void {
    this.#due.set(`${namespace}/${name}`, { namespace, name });
    if (!this.#working && this.#started) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (const [key, at] of this.#due) {
        if (this.#stopped) return;
        this.#due.delete(key);
        await this.#keep(at).catch((error: unknown) => this.#later(key, at, error));
      }
    } finally {
      this.#working = false;
    }
  }

  #later(key: string, at: { namespace: string; name: string }, error: unknown): void {
    // Another wrote it meanwhile: that is an event, which brings it back.
    if (isReason(error, 'Conflict', 'NotFound')) return;
    const { ctx } = this.#parts();
    ctx.log.warn({ secret: key, error: messageOf(error) }, 'the token of a ServiceAccount could not be written');
    this.#again?.cancel();
    this.#again = ctx.clock.timer(AGAIN_MS, () => this.#add(at));
  }

  async #keep({ namespace, name }: { namespace: string; name: string }): Promise<void> {
    const parts = this.#parts();
    const stored = parts.cache.get({ stream: SECRETS, namespace, name });
    if (stored === undefined || stored.object['type'] !== TYPE) return;
    const { object: secret, revision } = stored;
    const { annotations = {}, deletionTimestamp } = secret.metadata;
    if (deletionTimestamp !== undefined) return;
    const account = parts.cache.get({ stream: ACCOUNTS, namespace, name: annotations[NAME] ?? '' })?.object;
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const wanted = annotations[UID];
    if (account === undefined || (wanted !== undefined && wanted !== account.metadata.uid)) {
      // It may have been made through another API actor a moment ago.
      await parts.freshness.newestOrWarning();
      const now = parts.cache.get({ stream: ACCOUNTS, namespace, name: annotations[NAME] ?? '' })?.object;
      if (now?.metadata.uid === account?.metadata.uid) return remove(parts, path, String(revision));
      return this.#keep({ namespace, name });
    }
    const patch = await this.#missing(secret, account);
    if (patch !== undefined)
      await mergePatch(parts, path, { ...patch, metadata: { ...patch.metadata, resourceVersion: String(revision) } });
  }

  async #missing(
    secret: KubeObject,
    account: KubeObject,
  ): Promise<{ metadata: object; data: Record<string, string> } | undefined> {
    const { tokens, ctx } = this.#parts();
    const { name, namespace = '', annotations = {} } = secret.metadata;
    const has = (secret['data'] ?? {}) as Record<string, string>;
    const data: Record<string, string> = {};
    const bound = { name: account.metadata.name, uid: account.metadata.uid! };
    if ((has['token'] ?? '') === '')
      data['token'] = btoa(await tokens.signLegacy(legacyClaims(namespace, name, bound)));
    // The authority of clients signs the API's own certificate too.
    if (has['ca.crt'] === undefined) data['ca.crt'] = readFileSync(ctx.settings.clientCaFile).toString('base64');
    if (has['namespace'] === undefined) data['namespace'] = btoa(namespace);
    if (Object.keys(data).length === 0 && annotations[UID] === bound.uid) return undefined;
    return { metadata: { annotations: { [UID]: bound.uid } }, data };
  }
}
