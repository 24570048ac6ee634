// Does: tells Docker whether a container serves now: an API actor by /readyz, a node by all of its processes. Never waits.
// Containers with one other actor need no program to tell: their ready file is there or it is not.
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { apiPortOf } from '../core/cluster.ts';
import { COMPOSE_HOME } from '../core/compose-layout.ts';
import { homeLayout } from '../core/home.ts';
import { readCluster } from '../edge/plan-file.ts';
import { askSupervisor } from '../supervisor/client.ts';

const ANSWER_MS = 3000;
const home = homeLayout(COMPOSE_HOME);

async function whyNodeIsIll(): Promise<string> {
  const { units } = await askSupervisor(home, { cmd: 'status' });
  const ill = units.filter(({ state }) => state !== 'running').map((unit) => `${unit.name} is ${unit.state}`);
  return units.length === 0 ? 'nothing runs yet' : ill.join(', ');
}

function whyApiIsIll(): Promise<string> {
  const port = apiPortOf(readCluster(home)!);
  return new Promise((resolve) => {
    const question = request(
      { host: '127.0.0.1', port, path: '/readyz', ca: readFileSync(home.caFile), timeout: ANSWER_MS },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200 ? '' : `/readyz answers ${answer.statusCode}`);
      },
    );
    question.on('timeout', () => question.destroy(new Error(`/readyz does not answer in ${ANSWER_MS} ms`)));
    question.on('error', (error) => resolve(error.message));
    question.end();
  });
}

const why = existsSync(home.units) ? await whyNodeIsIll() : await whyApiIsIll();
if (why !== '') console.log(why);
process.exit(why === '' ? 0 : 1);
