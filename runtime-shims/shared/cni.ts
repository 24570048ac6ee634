// Does: gives a held network namespace its interface and address with the CNI plugins `ptp` and `host-local`, and takes
// them back. Never makes or removes the namespace. The process must run in the node's own network namespace.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../lib/exec/exec.ts';
import { ShimError } from '../contract.ts';

const PLUGIN_DIRECTORIES = ['/usr/lib/cni', '/opt/cni/bin'];
const INTERFACE = 'eth0';

export interface CniOptions {
  exec: Exec;
  podCidr: string;
  /** Must not be shared by two nodes. */
  dataDir: string;
}

/**
 * `ptp`, not `bridge`: everything is routed, so that a pod reaches a ClusterIP that leads back to its own node without
 * hairpin mode and without br_netfilter.
 */
export class Cni {
  readonly #options: CniOptions;
  readonly #configuration: string;

  constructor(options: CniOptions) {
    this.#options = options;
    this.#configuration = JSON.stringify({
      cniVersion: '0.4.0',
      name: 'pods',
      type: 'ptp',
      ipMasq: false,
      mtu: 1500,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: options.podCidr }]],
        routes: [{ dst: '0.0.0.0/0' }],
        dataDir: options.dataDir,
      },
    });
  }

  /** The address, without its prefix length. */
  async add(id: string, netns: string): Promise<string> {
    const result = await this.#call('ADD', id, netns);
    const answer = parse(result.stdout) as { ips?: Array<{ address: string }>; msg?: string } | undefined;
    const address = answer?.ips?.[0]?.address.split('/')[0];
    if (result.exitCode === 0 && address !== undefined) return address;
    throw new ShimError(
      'CreatePodSandboxError',
      `plugin type="ptp" failed (add) for ${netns}: ${answer?.msg ?? result.stderr.trim()}`,
    );
  }

  /** May be repeated; without a namespace (after a reboot) it still gives the address back. */
  async remove(id: string, netns: string): Promise<void> {
    const result = await this.#call('DEL', id, netns);
    if (result.exitCode === 0) return;
    const said = (parse(result.stdout) as { msg?: string } | undefined)?.msg ?? result.stderr.trim();
    throw new ShimError('CreatePodSandboxError', `plugin type="ptp" failed (delete) for ${id}: ${said}`);
  }

  /** Ids that hold an address. */
  async holders(): Promise<Set<string>> {
    const directory = join(this.#options.dataDir, 'pods');
    const names = await readdir(directory).catch(() => []);
    const files = names.filter((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name));
    const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8').catch(() => '')));
    return new Set(texts.map((text) => text.split(/\r?\n/)[0]!.trim()).filter((id) => id !== ''));
  }

  #call(command: 'ADD' | 'DEL', id: string, netns: string) {
    const path = PLUGIN_DIRECTORIES.join(':');
    return this.#options.exec.run([join(PLUGIN_DIRECTORIES[0]!, 'ptp')], {
      stdin: this.#configuration,
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: netns,
        CNI_IFNAME: INTERFACE,
        CNI_PATH: path,
      },
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
