import test from 'ava';
import { findKubectls } from './find-kubectls.ts';
import { playAsTests } from './play-as-tests.ts';
import { plan, readStories } from './suite.ts';

/** For a run by hand: `STORIES=wire,errors npm run test:cluster`. */
const only = process.env['STORIES']?.split(',');
const stories = readStories().filter(({ name }) => only?.includes(name) ?? true);

playAsTests(test, 'kubectl', ['--runtime', 'hollow'], plan(await findKubectls(), stories, false));
