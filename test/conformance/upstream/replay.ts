// Does: asks an API actor of ours, alone in this process, the cases of an area and tells how its answers differ from the
// recorded ones. Never decides which difference is all right.
import { startApi } from '../../kit/api-server.ts';
import { comparedCases, digestOf, readRecorded, type Area } from './area.ts';
import { askAll } from './ask.ts';
import { Comparer } from './compare.ts';
import { TOKENS } from './peer.ts';

export interface Replayed {
  name: string;
  differences: string[];
}

export async function replay(area: Area): Promise<Replayed[]> {
  const recorded = readRecorded(area);
  const compared = comparedCases(area);
  const isStale = compared.some((one, i) => recorded[i]?.name !== one.name || recorded[i].of !== digestOf(one));
  if (isStale || recorded.length !== compared.length)
    throw new Error(
      `cases/${area.name}.ts was changed after its answers were recorded: node test/conformance/upstream/record.ts ${area.name}`,
    );
  const api = await startApi({ settings: { tokenFile: TOKENS, ...area.settings } });
  try {
    const comparer = new Comparer();
    const answers = await askAll(api, area.cases);
    return recorded.map((real) => {
      const ours = answers.get(real.name)!;
      return { name: real.name, differences: comparer.compare(area.renewed?.(real, ours) ?? real, ours) };
    });
  } finally {
    await api.stop();
  }
}
