// Decides how a fault reads to people. Never does one.
import type { Fault, MessageRule } from '../contract.ts';

/** `store-2: killed (pid 4711)`. `process`: what is hit, where it is known. */
export function describeFault(fault: Fault, process?: { pid?: number }): string {
  const pid = process?.pid === undefined ? '' : ` (pid ${process.pid})`;
  switch (fault.type) {
    case 'kill':
      return `${fault.unit}: killed${pid}`;
    case 'pause':
      return `${fault.unit}: paused${pid}`;
    case 'restart':
      return `${fault.unit}: restarted${pid}`;
    case 'kill-node':
      return `${fault.node}: everything on it killed`;
    case 'cut-node':
      return `${fault.node}: cut off the network`;
    case 'partition':
      return fault.oneWay
        ? `${fault.from} → ${fault.to}: nothing arrives`
        : `${fault.from} ↔ ${fault.to}: nothing arrives either way`;
    case 'messages':
      return `${fault.instance}: ${describeRule(fault.rule)}`;
    case 'disk':
      return `${fault.instance}: ${fault.disk.full === true ? 'disk full' : `each write and fsync takes ${fault.disk.slowMs ?? 0} ms longer`}`;
    case 'bit-flip':
      return `${fault.instance}: one bit flipped`;
    case 'clock':
      return `${fault.instance}: clock ${Math.abs(fault.skewMs) / 1000} s ${fault.skewMs < 0 ? 'behind' : 'ahead'}`;
  }
}

function describeRule({ subject, action, direction, peer, probability, delayMs }: MessageRule): string {
  const share = probability === undefined ? '' : `${Math.round(probability * 1000) / 10} % of `;
  const way = direction === undefined ? '' : direction === 'in' ? ' that it hears' : ' that it says';
  const whose = peer === undefined ? '' : `, with ${peer}`;
  const done = {
    drop: 'lost',
    delay: `${delayMs ?? 'some'} ms late`,
    duplicate: 'doubled',
    reorder: `out of order by up to ${delayMs ?? 'some'} ms`,
  }[action];
  return `${share}messages on ${subject}${way}${whose} are ${done}`;
}
