// Decides how `scale` sets a number of replicas. Never touches anything but the scale subresource.
import { resourcePath } from '../../lib/api/resource.ts';
import { defineCommand } from '../command.ts';
import { kindText, parseTargets, UsageError } from '../core/resources.ts';
import { openSession } from '../edge/session.ts';

interface ScaleArguments {
  words: string[];
  replicas: number;
  'current-replicas'?: number | undefined;
}

export const scaleCommand = defineCommand<ScaleArguments>({
  command: 'scale <words..>',
  describe: 'set the number of replicas: scale deployment/web --replicas=5',
  builder: (yargs) =>
    yargs
      .positional('words', { type: 'string', array: true, demandOption: true })
      .option('replicas', { type: 'number', demandOption: true })
      .option('current-replicas', { type: 'number', describe: 'only if this many are asked for now' }),
  handler: async (args) => {
    if (!Number.isInteger(args.replicas) || args.replicas < 0)
      throw new UsageError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
    const session = openSession(args);
    for (const { resource, name } of parseTargets(args.words, await session.resources())) {
      if (name === undefined) throw new UsageError('resource(s) were provided, but no name was specified');
      if (!resource.subresources.includes('scale'))
        throw new UsageError(`cannot scale ${resource.resource}: the server has no scale for it`);
      const path = resourcePath(resource, { namespace: session.namespace, name, subresource: 'scale' });
      await checkCurrent(
        args['current-replicas'],
        async () => (await session.send<{ spec?: { replicas?: number } }>({ method: 'GET', path })).spec?.replicas ?? 0,
      );
      const body = { spec: { replicas: args.replicas } };
      await session.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
      console.log(`${kindText(resource)}/${name} scaled`);
    }
  },
});

async function checkCurrent(expected: number | undefined, current: () => Promise<number>): Promise<void> {
  if (expected === undefined) return;
  const found = await current();
  if (found !== expected) throw new UsageError(`Expected replicas to be ${expected}, was ${found}`);
}
