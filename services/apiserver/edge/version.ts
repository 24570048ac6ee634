// Decides nothing: which version this server says it is. Never knows who asks.
/** kubectl compares its own version with this and warns when they are more than one apart: the middle of what is in use. */
export const VERSION = {
  major: '1',
  minor: '33',
  emulationMajor: '1',
  emulationMinor: '33',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '32',
  gitVersion: 'v1.33.0+flotilla',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-11-22T00:00:00Z',
  goVersion: `node${process.version}`,
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/** As metrics tell it. */
export const BUILD: Readonly<Record<string, string>> = {
  build_date: VERSION.buildDate,
  compiler: VERSION.compiler,
  git_commit: VERSION.gitCommit,
  git_tree_state: VERSION.gitTreeState,
  git_version: VERSION.gitVersion,
  go_version: VERSION.goVersion,
  major: VERSION.major,
  minor: VERSION.minor,
  platform: VERSION.platform,
};
