// Shows that our answers are those of a real kube-apiserver 1.33 (recorded/), and names why the others differ: a match that is
// lost fails, and so does a difference that is gone but still listed.
import test from 'ava';
import { areaNames, readArea } from './area.ts';
import { replay } from './replay.ts';

for (const name of areaNames())
  test(`answers as a real server gives them: ${name}`, async (t) => {
    const area = await readArea(name);
    const results = await replay(area);
    const differing = results.filter(({ differences }) => differences.length > 0);
    const surprises = differing.filter((one) => area.differs[one.name] === undefined);
    t.deepEqual(surprises, [], 'answers that matched, or should');
    const gone = Object.keys(area.differs).filter((each) => !differing.some((one) => one.name === each));
    t.deepEqual(gone, [], 'listed as different, but they match now');
    t.log(`${results.length - differing.length} of ${results.length} answers match`);
  });
