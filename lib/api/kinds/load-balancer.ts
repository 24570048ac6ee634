// Decides how the addresses of a load balancer read in a table, of Services and Ingresses. Never gives one.

interface BalancerStatus {
  loadBalancer?:
    | { ingress?: Array<{ ip?: string | undefined; hostname?: string | undefined }> | undefined }
    | undefined;
}

/** Each once, in the order of their letters. */
export function balancerAddresses(status: BalancerStatus | undefined): string[] {
  const told = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
  return [...new Set(told.filter((text) => text !== ''))].toSorted();
}
