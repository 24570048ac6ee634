// Does: lets a process be profiled from outside: the first SIGUSR2 begins, the second writes <pid>-<time>.cpuprofile into
// the directory of FLOTILLA_BENCH_PROFILES. Imported before the program (node --import). Never does anything unasked.
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const directory = process.env['FLOTILLA_BENCH_PROFILES'];
let session: Session | undefined;

function begin(): void {
  session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 200 });
  session.post('Profiler.start');
}

function end(ended: Session): void {
  session = undefined;
  ended.post('Profiler.stop', (_error, { profile }) => {
    const file = join(directory!, `${process.pid}-${Date.now()}`);
    writeFileSync(file, JSON.stringify(profile));
    renameSync(file, `${file}.cpuprofile`);
    ended.disconnect();
  });
}

if (directory !== undefined)
  process.on('SIGUSR2', () => {
    if (session === undefined) begin();
    else end(session);
  });
