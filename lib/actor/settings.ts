// Decides what each actor must be told at its start: one type an actor. The launcher writes them, main.ts reads them
// once. Never holds defaults that only one side knows.
import type { OidcOptions } from '../api/oidc-options.ts';

export interface ClusterFacts {
  /** Name of the cluster and first token of every subject. */
  name: string;
  clusterId: string;
  domain: string;
  podCidr: string;
  serviceCidr: string;
  dnsIp: string;
}

export interface StoreSettings {
  dataDir: string;
  clusterId: string;
  /** Instances of the first configuration: `['store-1', 'store-2', 'store-3']`; none: the leader will add this member. */
  members: string[];
  /** Keys and values that may be stored at once; absent: 2 GiB. The same on all members. */
  quotaBytes?: number;
  /** Revisions older than this are forgotten even when there are few; absent: a day. */
  forgetAfterSeconds?: number;
  /** One member asks for all at once: where no other process shares the disk, tests may turn fsync off. */
  fsync?: boolean;
}

export interface ApiserverSettings {
  cluster: ClusterFacts;
  /** Addresses to serve HTTPS on, all with the same port. */
  listen: string[];
  port: number;
  /** PEM files. */
  certFile: string;
  keyFile: string;
  /** Client certificates signed by this are users: CN = user, O = groups. */
  clientCaFile: string;
  /** Lines `token,user,uid,"group1,group2"`, as kube-apiserver's --token-auth-file; re-read when changed. */
  tokenFile: string;
  /** Private key (PEM, PKCS#8, EC P-256) that signs ServiceAccount tokens; shared by all API actors. */
  serviceAccountKeyFile: string;
  /** PEM files: by this certificate extension API servers believe what is said of who asks; absent: they are not told. */
  frontProxy?: { caFile: string; certFile: string; keyFile: string };
  /** Where pods reach the API: endpoints of the Service `kubernetes`. */
  advertiseAddress: string;
  stores: string[];
  /** Tolerations of unready and unreachable nodes that a pod gets unless it has its own; absent: 300. */
  defaultTolerationSeconds?: number;
  /** Whose OpenID Connect tokens are believed; absent: nobody's. */
  oidc?: OidcOptions;
  /** What is told of requests, and where: a file that is begun anew at its largest size. Absent: nothing. */
  audit?: {
    policyFile: string;
    file: string;
    maxSizeMegabytes?: number;
    maxBackups?: number;
    maxAgeDays?: number;
  };
  /** Seats of priority and fairness, and the longest wait for one; absent: upstream's 600, and 15 s. */
  flowControl?: { seats?: number; waitMs?: number };
  /** Whether who owns which field is kept from an object's creation on, or from its first server-side apply; absent: true. */
  tracksFieldManagers?: boolean;
}

export interface SchedulerSettings {
  leaderElect: boolean;
}

export interface ControllerManagerSettings {
  cluster: ClusterFacts;
  leaderElect: boolean;
  /** PEM of the CA that pods trust the API server by. */
  rootCaFile: string;
  /** PEM: the authority that signs certificates of clients and kubelets; absent: nobody here does. */
  signer?: { certFile: string; keyFile: string };
  /** A node whose Lease is older than this is Unknown. */
  nodeMonitorGraceSeconds: number;
  /** Pods tolerate an unreachable node for this long unless they say otherwise. */
  defaultTolerationSeconds: number;
}

export type RuntimeName = 'ctr' | 'nerdctl' | 'process' | 'hollow';

export interface KubeletSettings {
  cluster: ClusterFacts;
  node: string;
  nodeIp: string;
  /** This node's part of the cluster's pod CIDR. */
  nodePodCidr: string;
  runtime: RuntimeName;
  /** ctr, nerdctl: unix socket and containerd namespace. */
  containerdAddress?: string;
  containerdNamespace?: string;
  /** nerdctl: the image that holds a pod's namespaces; absent: Kubernetes' own, from its registry. */
  pauseImage?: string;
  /** All of the kubelet's own files: pods' volumes, logs, container specs, CNI's addresses. */
  stateDir: string;
  /** First path part below each cgroup controller. */
  cgroupRoot: string;
  /** What the node offers; absent: what the machine has. */
  cpuMillis?: number;
  memoryBytes?: number;
  maxPods: number;
  labels: Record<string, string>;
  /** OCI archives that are imported at start: the demo's image needs no registry. */
  imageArchives: string[];
  leaseSeconds: number;
}

export interface KubeProxySettings {
  cluster: ClusterFacts;
  node: string;
  nodeIp: string;
  nodePodCidr: string;
  /** nftables in the network namespace that the process runs in; userspace: a TCP proxy without root. */
  mode: 'nftables' | 'userspace' | 'none';
  /** Blocks beside the pods' that know the way back to pods (the nodes' own network): pods keep their address there. */
  nonMasqueradeCidrs?: string[];
  /** Whose routes to Services this node's proxy keeps: the machine's, by its namespace's name and its device to the nodes. */
  machine?: { netns: string; device: string };
}

export interface DnsSettings {
  cluster: ClusterFacts;
  listen: string;
  port: number;
  /** Where other names are asked; none: they are refused. */
  upstream: string[];
}

/** What the launcher writes to `<home>/actors/<instance>.json` and `flotilla run <instance>` reads. */
export interface ActorFile {
  cluster: string;
  actor: import('../bus/subjects.ts').ActorName;
  instance: string;
  node?: string;
  nats: { servers: string[]; seedFile: string; caFile: string; certFile?: string; keyFile?: string };
  logLevel: string;
  /** false: nothing is kept or published of what it does; absent: true. */
  trace?: boolean;
  settings: unknown;
}
