// Does: writes on Secrets the day on which their tokens were last used. Never holds up a request for it.
import { messageOf } from '../../../lib/base/errors.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { dayOfUse, LAST_USED } from '../core/auth/legacy-tokens.ts';
import { mergePatch } from './bootstrap/internal-calls.ts';
import type { ApiParts } from './parts.ts';

export class LegacyTokenUses {
  readonly #parts: () => ApiParts;
  /** By uid: being written. */
  readonly #open = new Set<string>();

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  async note(secret: KubeObject): Promise<void> {
    const parts = this.#parts();
    const { ctx } = parts;
    const { name, namespace = '', uid = '' } = secret.metadata;
    const day = dayOfUse(secret, ctx.clock.now());
    if (day === undefined || this.#open.has(uid)) return;
    this.#open.add(uid);
    try {
      const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
      await mergePatch(parts, path, { metadata: { uid, labels: { [LAST_USED]: day } } });
    } catch (error) {
      ctx.log.warn({ secret: `${namespace}/${name}`, error: messageOf(error) }, 'the use of its token is not written');
    } finally {
      this.#open.delete(uid);
    }
  }
}
