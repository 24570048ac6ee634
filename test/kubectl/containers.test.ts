import test from 'ava';
import { findKubectls } from './find-kubectls.ts';
import { playAsTests } from './play-as-tests.ts';
import { plan, readStories } from './suite.ts';

// The newest alone: test/streams shows the transports of the others.
const kubectls = (await findKubectls()).slice(0, 1);

playAsTests(test, 'kubectls', ['--nodes', '1', '--stores', '1'], plan(kubectls, readStories(true), false));
