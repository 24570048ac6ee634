// Decides what each actor must do to itself so that a fault of messages, disk or clock is there. Never sends an order.
import { SUBJECTS, type ActorName, type Permission, type SubjectRule } from '../../lib/bus/subjects.ts';
import type { Fault, InnerFaults, MessageRule } from '../contract.ts';

export interface Order {
  instance: string;
  faults: InnerFaults;
}

/** None: the fault is not one that actors do to themselves. */
export function ordersOf(fault: Fault): Order[] {
  switch (fault.type) {
    case 'partition':
      return partition(fault);
    case 'messages':
      return [{ instance: fault.instance, faults: { messages: [fault.rule] } }];
    case 'disk':
      return [{ instance: fault.instance, faults: { disk: fault.disk } }];
    case 'clock':
      return [{ instance: fault.instance, faults: { clockSkewMs: fault.skewMs } }];
    default:
      return [];
  }
}

/**
 * Both ends lose what passes: the sender what it says to the other alone, the receiver what it hears from it. The
 * receiver's half is what counts, because an event goes to whoever listens and cannot be held back from one of them;
 * the sender's half holds while the receiver is started again.
 */
function partition({ from, to, oneWay }: Extract<Fault, { type: 'partition' }>): Order[] {
  const lose = (direction: 'in' | 'out', peer: string): MessageRule => ({
    subject: '>',
    direction,
    peer,
    action: 'drop',
  });
  return [
    { instance: from, faults: { messages: [lose('out', to), ...(oneWay ? [] : [lose('in', to)])] } },
    { instance: to, faults: { messages: [lose('in', from), ...(oneWay ? [] : [lose('out', from)])] } },
  ];
}

/** Whether actors of these roles ever say anything to one another: else there is nothing to part. */
export function speakToEachOther(a: string, b: string): boolean {
  const says = (permissions: readonly Permission[], role: string): boolean =>
    permissions.some(({ actors }) => actors.includes(role as ActorName));
  return Object.values(SUBJECTS as Record<string, SubjectRule>).some(
    ({ publish, subscribe }) => (says(publish, a) && says(subscribe, b)) || (says(publish, b) && says(subscribe, a)),
  );
}
