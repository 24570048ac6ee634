// Decides where each file of a cluster lies below its home. Never touches the disk.

export type Home = ReturnType<typeof homeLayout>;

/** Unix sockets allow 107 bytes: the longest path below a home must fit. */
export const MAX_HOME_BYTES = 70;

/** All paths of one cluster; `root` is absolute. */
export function homeLayout(root: string) {
  const pki = `${root}/pki`;
  return {
    root,
    cluster: `${root}/cluster.json`,
    kubeconfig: `${root}/kubeconfig`,
    lock: `${root}/up.lock`,
    supervisorSocket: `${root}/supervisor.sock`,
    supervisorLock: `${root}/run/supervisor.lock`,
    pki,
    caFile: `${pki}/ca.crt`,
    caKeyFile: `${pki}/ca.key`,
    certFile: (name: string) => `${pki}/${name}.crt`,
    keyFile: (name: string) => `${pki}/${name}.key`,
    serviceAccountKey: `${pki}/service-account.key`,
    tokens: `${pki}/tokens.csv`,
    nkeys: `${root}/nkeys`,
    seedFile: (instance: string) => `${root}/nkeys/${instance}.seed`,
    natsConfig: (instance: string) => `${root}/nats/${instance}.conf`,
    actors: `${root}/actors`,
    actorFile: (instance: string) => `${root}/actors/${instance}.json`,
    store: (instance: string) => `${root}/stores/${instance}`,
    node: (node: string) => `${root}/nodes/${node}`,
    kubelet: (node: string) => `${root}/nodes/${node}/kubelet`,
    containerdConfig: (node: string) => `${root}/nodes/${node}/containerd.toml`,
    containerdSocket: (node: string) => `${root}/nodes/${node}/containerd.sock`,
    containerdState: (node: string) => `${root}/nodes/${node}/containerd/state`,
    containerdRoot: (node: string) => `${root}/nodes/${node}/containerd/root`,
    webImage: `${root}/images/web.oci.tar`,
    pauseImage: `${root}/images/pause.oci.tar`,
    logs: `${root}/logs`,
    /** In containers: what the owner gave of these. */
    auditPolicy: `${root}/audit-policy.yaml`,
    oidcCa: `${pki}/oidc-ca.crt`,
    logFile: (unit: string) => `${root}/logs/${unit}.log`,
    run: `${root}/run`,
    units: `${root}/run/units.json`,
    pidFile: (unit: string) => `${root}/run/${unit}.pid`,
    readyFile: (unit: string) => `${root}/run/${unit}.ready`,
    /** What chaos has broken and not yet healed. */
    chaos: `${root}/chaos`,
    heldFile: `${root}/run/held.json`,
    compileCache: `${root}/cache/compile`,
  };
}
