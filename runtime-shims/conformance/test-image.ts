// Does: for tests, builds the image that they run, with the launcher's builder. Never used outside tests.
import { fileURLToPath } from 'node:url';

const BUILDER = fileURLToPath(new URL('../../launcher/image/build-archive.ts', import.meta.url));

/** The builder is found by its path, not imported: only tests of a shim may know the launcher. */
export async function buildImage(outFile: string): Promise<string> {
  const builder = (await import(BUILDER)) as { buildWebImage(outFile: string): Promise<{ ref: string }> };
  return (await builder.buildWebImage(outFile)).ref;
}
