// Does: goes through every order of events of a small cluster, from the command line, as far as the time and the memory reach.
// Never decides what is right.
import { explore } from './raft-model.ts';

const argv = process.argv.slice(2);
const option = (name: string, usual: number): number => {
  const at = argv.indexOf(`--${name}`);
  return at === -1 ? usual : Number(argv[at + 1]);
};

if (argv.includes('--help'))
  console.log(
    'npm run sim:model -- [--terms 3] [--proposals 2] [--changes 1] [--crashes 1] [--reads 0] [--spares 0] [--depth 60] [--states 200000] [--slow-disks]',
  );
else
  console.log(
    explore({
      terms: option('terms', 3),
      proposals: option('proposals', 2),
      changes: option('changes', 1),
      crashes: option('crashes', 1),
      reads: option('reads', 0),
      spareEntries: option('spares', 0),
      depth: option('depth', 60),
      states: option('states', 200_000),
      slowDisks: argv.includes('--slow-disks'),
    }),
  );
