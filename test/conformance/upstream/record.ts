// Does: asks a real kube-apiserver the cases of the areas that are named (none named: of all) and writes down what it answered:
// `UPSTREAM=folder node test/conformance/upstream/record.ts core`. Never asks ours.
import { areaNames, digestOf, readArea, writeRecorded } from './area.ts';
import { askAll } from './ask.ts';
import { startPeer } from './peer.ts';

const wanted = process.argv.slice(2);

for (const name of wanted.length > 0 ? wanted : areaNames()) {
  const { cases, flags, recorded } = await readArea(name);
  if (recorded !== undefined) continue;
  const peer = await startPeer(flags);
  try {
    const answers = await askAll(peer, cases);
    writeRecorded(
      name,
      cases.map((one) => ({ name: one.name, of: digestOf(one), ...answers.get(one.name)! })),
    );
    console.log(`${name}: ${answers.size} answers recorded`);
  } finally {
    await peer.stop();
  }
}
