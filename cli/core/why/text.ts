// Decides how an answer reads. Never decides what it is.
import type { Answer } from './facts.ts';

/** `deployment/web → replicaset/web-5d → pod/web-5d-x`, what waits for what, what shows it, what helps. */
export function answerLines(answer: Answer): string[] {
  return [
    ...(answer.way.length > 1 ? [answer.way.join(' → ')] : []),
    `${answer.isStuck ? '✗' : '✓'} ${answer.what}`,
    ...answer.because.map((line) => `    ${line}`),
    ...answer.help.map((line) => `  → ${line}`),
  ];
}
