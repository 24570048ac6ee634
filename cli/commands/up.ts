// Decides how `up` is asked and what it says at the end. Never builds a cluster itself (launcher/up.ts does).
import { resolve } from 'node:path';
import type { OidcOptions } from '../../lib/api/oidc-options.ts';
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
  'audit-policy'?: string | undefined;
  'audit-log'?: string | undefined;
  'oidc-issuer-url'?: string | undefined;
  'oidc-client-id'?: string | undefined;
  'oidc-username-claim'?: string | undefined;
  'oidc-username-prefix'?: string | undefined;
  'oidc-groups-claim'?: string | undefined;
  'oidc-groups-prefix'?: string | undefined;
  'oidc-required-claim'?: string[] | undefined;
  'oidc-ca-file'?: string | undefined;
  'oidc-signing-algs'?: string | undefined;
  'log-level': string;
}

/** Undefined: none of its options is given. */
function oidcOf(args: UpArguments): OidcOptions | undefined {
  const caFile = args['oidc-ca-file'];
  const given = {
    issuerUrl: args['oidc-issuer-url'],
    clientId: args['oidc-client-id'],
    usernameClaim: args['oidc-username-claim'],
    usernamePrefix: args['oidc-username-prefix'],
    groupsClaim: args['oidc-groups-claim'],
    groupsPrefix: args['oidc-groups-prefix'],
    requiredClaims: args['oidc-required-claim'],
    caFile: caFile === undefined ? undefined : resolve(caFile),
    signingAlgs: args['oidc-signing-algs']?.split(','),
  };
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  // Whether it is whole is asked with the other options.
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as unknown as OidcOptions);
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
      .option('audit-policy', {
        type: 'string',
        describe: 'file of an audit.k8s.io/v1 Policy: what the API tells of requests (off: nothing any more)',
      })
      .option('audit-log', { type: 'string', describe: 'file that it is told to (default audit.log beside the logs)' })
      .option('oidc-issuer-url', { type: 'string', describe: 'https URL of the OpenID Connect provider to believe' })
      .option('oidc-client-id', { type: 'string', describe: 'audience that its tokens must be for' })
      .option('oidc-username-claim', { type: 'string', describe: 'default sub' })
      .option('oidc-username-prefix', { type: 'string', describe: 'default the issuer and #; - for none' })
      .option('oidc-groups-claim', { type: 'string', describe: 'claim that names groups' })
      .option('oidc-groups-prefix', { type: 'string', describe: 'put before each of them' })
      .option('oidc-required-claim', { type: 'string', array: true, describe: 'key=value that a token must have' })
      .option('oidc-ca-file', { type: 'string', describe: 'PEM of the authority of the provider' })
      .option('oidc-signing-algs', { type: 'string', describe: 'default RS256; several with commas' })
      .option('log-level', { type: 'string', default: 'info', choices: ['debug', 'info', 'warn', 'error'] }),
  handler: async (args) => {
    const progress = createProgress();
    process.once('SIGINT', () => {
      progress.say('interrupted: `flotilla up` goes on from here, `flotilla down` takes away what there is');
      process.exit(130);
    });
    const { demo, home, install, trace, name, nodes, stores, apiservers, port, runtime } = args;
    const more = { auditPolicy: args['audit-policy'], auditLog: args['audit-log'], oidc: oidcOf(args) };
    const running = await up(
      { home, install, trace, name, nodes, stores, apiservers, port, runtime, logLevel: args['log-level'], ...more },
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
