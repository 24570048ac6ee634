// Decides how `apply` goes through its files and what it says of each object. Never deletes one.
import { isReason, type ApiError } from '../../lib/base/errors.ts';
import { defineCommand, FILES } from '../command.ts';
import { kindText, UsageError } from '../core/resources.ts';
import { applyObject } from '../edge/apply-object.ts';
import { ExitError, failureText } from '../edge/failure.ts';
import { readManifests, type Manifest } from '../edge/manifests.ts';
import { openSession } from '../edge/session.ts';

interface ApplyArguments {
  filename: string[];
  recursive: boolean;
  output?: string | undefined;
}

export const applyCommand = defineCommand<ApplyArguments>({
  command: 'apply',
  describe: 'make the cluster as the files say: apply -f web.yaml, -f dir, -f -',
  builder: (yargs) =>
    yargs
      .option('filename', {
        alias: 'f',
        ...FILES,
        demandOption: true,
        describe: 'file, directory or - for standard input',
      })
      .option('recursive', { alias: 'R', type: 'boolean', default: false })
      .option('output', { alias: 'o', type: 'string', choices: ['name'] }),
  handler: async (args) => {
    const session = openSession(args);
    const manifests = await readManifests(args.filename, args.recursive);
    const index = await session.resources();
    let failed = false;
    for (const manifest of manifests) {
      try {
        const { resource, applied } = await applyObject(session, index, manifest, args.namespace);
        const name = `${kindText(resource)}/${manifest.object.metadata.name}`;
        console.log(args.output === 'name' ? name : `${name} ${applied}`);
      } catch (error) {
        // One bad object does not keep the others back.
        console.error(error instanceof UsageError ? error.message : failureWithSource(error, manifest));
        failed = true;
      }
    }
    if (failed) throw new ExitError(1);
  },
});

function failureWithSource(error: unknown, { source, object }: Manifest): string {
  if (isReason(error, 'Invalid'))
    return `The ${object.kind} "${object.metadata.name}" is invalid: ${invalidText(error)}`;
  return failureText(error).replace(/: /, `: error when applying "${source}": `);
}

/** One field on the line, several as a list below it, as kubectl prints them. */
function invalidText(error: unknown): string {
  const { message, details } = error as ApiError;
  const causes = (details?.causes ?? []).map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`);
  if (causes.length > 1) return ['', ...[...new Set(causes)].map((cause) => `* ${cause}`)].join('\n');
  const at = message.indexOf('is invalid: ');
  return causes[0] ?? (at === -1 ? message : message.slice(at + 'is invalid: '.length));
}
