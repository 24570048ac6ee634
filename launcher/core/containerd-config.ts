// Decides a node's containerd configuration. Never starts one.

export interface ContainerdConfig {
  root: string;
  state: string;
  socket: string;
}

/** The CRI plugin is off: the kubelet speaks to containerd through a runtime shim of this project. */
export function containerdConfigText(config: ContainerdConfig): string {
  const quote = (text: string): string => JSON.stringify(text);
  return [
    'version = 2',
    `root = ${quote(config.root)}`,
    `state = ${quote(config.state)}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    'oom_score = 0',
    '[grpc]',
    `address = ${quote(config.socket)}`,
    '[ttrpc]',
    `address = ${quote(`${config.socket}.ttrpc`)}`,
    '[debug]',
    'level = "warn"',
    '',
  ].join('\n');
}
