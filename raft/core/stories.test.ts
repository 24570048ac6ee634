// Shows that members behave as the stories in raft/testdata tell. UPDATE_STORIES=1 rewrites the answers: review the diff.
// Never decides what is right by itself; every step is also held against the invariants.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parseStory, printStory, StoryTeller, type Scene } from '../../test/sim/raft-story.ts';

const FOLDER = fileURLToPath(new URL('../testdata/', import.meta.url));
const UPDATE = process.env['UPDATE_STORIES'] === '1';

function replay(scenes: readonly Scene[]): Scene[] {
  const teller = new StoryTeller();
  return scenes.map((scene) => ({ ...scene, answer: teller.play(scene.command) }));
}

for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.txt'))) {
  test(name.replace('.txt', '').replaceAll('-', ' '), (t) => {
    const scenes = parseStory(readFileSync(`${FOLDER}${name}`, 'utf8'));
    t.true(scenes.length > 0, 'a story has scenes');
    const told = replay(scenes);
    if (UPDATE) writeFileSync(`${FOLDER}${name}`, printStory(told));
    for (const [i, scene] of scenes.entries()) {
      if (!UPDATE) t.is(told[i]!.answer, scene.answer, `scene ${i + 1}: ${scene.command}`);
    }
  });
}
