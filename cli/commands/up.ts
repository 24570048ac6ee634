// Decides how `up` is asked and what it says at the end. Never builds a cluster itself (launcher/up.ts does).
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { up } from '../../launcher/up.ts';
import { defineCommand } from '../command.ts';
import { runDemo } from '../demo/demo.ts';
import { createProgress } from '../edge/progress.ts';
import { finishCluster } from '../edge/finish-cluster.ts';

interface UpArguments {
  demo: boolean;
  name?: string | undefined;
  nodes?: number | undefined;
  stores?: number | undefined;
  apiservers?: number | undefined;
  port?: number | undefined;
  runtime?: RuntimeName | undefined;
  install: boolean;
  trace: boolean;
  'log-level': string;
}

export const upCommand = defineCommand<UpArguments>({
  command: 'up',
  describe: 'bring the cluster up, or back, whatever is there of it',
  builder: (yargs) =>
    yargs
      .option('demo', {
        type: 'boolean',
        default: false,
        describe: 'then apply examples/web.yaml and show how it comes to be',
      })
      .option('name', { type: 'string', describe: 'name of a new cluster' })
      .option('nodes', { type: 'number', describe: 'default 3' })
      .option('stores', {
        type: 'number',
        describe: '1, 3 or 5 members of the store (default 3); more than there are: they join',
      })
      .option('apiservers', { type: 'number', describe: 'default 1' })
      .option('port', { type: 'number', describe: 'of the API (default 6443, or the next free one)' })
      .option('runtime', {
        choices: ['ctr', 'nerdctl', 'process', 'hollow'] as const,
        describe: 'what runs the containers (default ctr; process and hollow need no root)',
      })
      .option('install', {
        type: 'boolean',
        default: true,
        describe: 'install missing programs from apt (--no-install only says what is missing)',
      })
      .option('trace', {
        type: 'boolean',
        default: true,
        describe: 'let every actor tell what it does (--no-trace: actors started now keep and publish nothing)',
      })
      .option('log-level', { type: 'string', default: 'info', choices: ['debug', 'info', 'warn', 'error'] }),
  handler: async (args) => {
    const progress = createProgress();
    process.once('SIGINT', () => {
      progress.say('interrupted: `flotilla up` goes on from here, `flotilla down` takes away what there is');
      process.exit(130);
    });
    const { demo, home, install, trace, name, nodes, stores, apiservers, port, runtime } = args;
    const running = await up(
      { home, install, trace, name, nodes, stores, apiservers, port, runtime, logLevel: args['log-level'] },
      progress,
    );
    await finishCluster(running, progress);
    if (demo) await runDemo(running, progress);
    else
      progress.say(
        `the cluster is up: try \`flotilla get nodes\`, \`flotilla apply -f examples/web.yaml\`, \`flotilla trace\``,
      );
  },
});
