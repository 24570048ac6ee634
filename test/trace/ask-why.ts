// Does: makes stuck cases on a cluster and asks `why` about them in this process. Never decides what is right.
import type { Pod } from '../../lib/api/generated/types.ts';
import { resourcePath, RESOURCES } from '../../lib/api/resource.ts';
import { isReason } from '../../lib/base/errors.ts';
import { parseTargets } from '../../cli/core/resources.ts';
import type { Facts } from '../../cli/core/why/facts.ts';
import { openSession, type Session } from '../../cli/edge/session.ts';
import { actorFacts, objectFacts } from '../../cli/edge/why-facts.ts';
import { eventually } from '../kit/eventually.ts';
import { namespaceOf, type StuckCase } from './stuck-cases.ts';

function sessionIn(home: string, namespace: string): Session {
  return openSession({ home, namespace });
}

export async function make(home: string, one: StuckCase): Promise<void> {
  const namespace = namespaceOf(one);
  const session = sessionIn(home, namespace);
  const index = await session.resources();
  await session.send({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  for (const object of one.objects) {
    const resource = index.find(String(object['kind']).toLowerCase());
    await untilAccount(() =>
      session.send({ method: 'POST', path: resourcePath(resource, { namespace }), body: object }),
    );
  }
  if (one.deletesRunning === true)
    await eventually('the pod runs', async () => {
      const pod = await session.client.get<Pod>(RESOURCES.pods, { namespace, name: 'x' });
      return pod.status?.phase === 'Running';
    });
  for (const word of one.deletes ?? []) {
    const [target] = parseTargets([word], index);
    const path = resourcePath(target!.resource, { namespace, name: target!.name! });
    await session.send({ method: 'DELETE', path });
  }
  session.close();
}

/** Pods need the service account `default`, which a loop makes in each new namespace. */
async function untilAccount(send: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++)
    try {
      return void (await send());
    } catch (error) {
      if (!isReason(error, 'Forbidden') || attempt > 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

export async function factsOf(
  home: string,
  one: StuckCase,
  about?: Awaited<ReturnType<typeof actorFacts>>,
): Promise<Facts> {
  const session = sessionIn(home, namespaceOf(one));
  try {
    const [target] = parseTargets([one.ask], await session.resources());
    return await objectFacts(session, target!.resource, target!.name!, about ?? (await actorFacts(home)));
  } finally {
    session.close();
  }
}
