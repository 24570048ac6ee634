// Decides nothing: what a core throws when a pod asks for something that cannot be given now, with the word that
// Kubernetes shows for it. Never a reason to stop the kubelet.

export class PodProblem extends Error {
  /** Waiting reason or event reason: CreateContainerConfigError, FailedMount … */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.name = 'PodProblem';
    this.reason = reason;
  }
}

export function configProblem(message: string): PodProblem {
  return new PodProblem('CreateContainerConfigError', message);
}
