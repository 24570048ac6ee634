// Decides how the state of flow control is shown to an operator: the tables of kube-apiserver's
// /debug/api_priority_and_fairness. Never changes it.
import type { FlowControl, Level } from './flow-control.ts';
import type { Ticket } from './queue-set.ts';

const LEVEL_HEADERS = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
];
const QUEUE_HEADERS = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
  'InitialSeatsSum',
  'MaxSeatsSum',
  'TotalWorkSum',
];
const REQUEST_HEADERS = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
  'StartTime',
];
const DETAIL_HEADERS = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

export function dumpLevels(state: FlowControl): string {
  const rows = levelsOf(state).map(([name, { queues, quiescing }]) => [
    name,
    queues.queues.filter(({ waiting }) => waiting.length > 0).length,
    queues.isIdle,
    quiescing,
    queues.waiting,
    queues.running,
    queues.totals.dispatched,
    queues.totals.rejected,
    queues.totals.timedOut,
    queues.totals.cancelled,
  ]);
  return table([LEVEL_HEADERS, ...rows]);
}

export function dumpQueues(state: FlowControl): string {
  const rows = levelsOf(state).flatMap(([name, { queues }]) =>
    queues.queues.map(({ index, waiting, running, seatsInUse, nextR }) => {
      const seats = waiting.reduce((sum, ticket) => sum + ticket.seats, 0);
      return [
        name,
        index,
        waiting.length,
        running.size,
        seatsInUse,
        inSeconds(nextR),
        seats,
        seats,
        inSeconds(seats * 3),
      ];
    }),
  );
  return table([QUEUE_HEADERS, ...rows]);
}

/** `offset`: milliseconds to add to the clock that tickets are timed by for the time of day. */
export function dumpRequests(state: FlowControl, offset: number, details: boolean): string {
  const time = (at: number): string => new Date(at + offset).toISOString();
  const row = (level: string, ticket: Ticket, queue: number, place: number): unknown[] => [
    level,
    ticket.schema,
    queue,
    place,
    ticket.flow.slice(ticket.schema.length + 1),
    time(ticket.arrivedAt),
    ticket.seats,
    0,
    '0s',
    ticket.state === 'running' ? time(ticket.startedAt) : '0001-01-01T00:00:00Z',
    ...(details ? ticket.about() : []),
  ];
  const rows = levelsOf(state).flatMap(([name, { queues }]) => [
    ...queues.queues.flatMap((queue) => [
      ...queue.waiting.map((ticket, place) => row(name, ticket, queue.index, place)),
      ...[...queue.running].map((ticket) => row(name, ticket, queue.index, -1)),
    ]),
    ...[...queues.unqueued].map((ticket) => row(name, ticket, -1, -1)),
  ]);
  return table([[...REQUEST_HEADERS, ...(details ? DETAIL_HEADERS : [])], ...rows]);
}

function levelsOf(state: FlowControl): Array<[string, Level]> {
  return [...state.levels].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const inSeconds = (seatMilliseconds: number): string => `${(seatMilliseconds / 1000).toFixed(8)}ss`;

/** Columns as Go's tabwriter sets them: at least 8 wide, one blank apart; the last is left as it is. */
function table(rows: readonly unknown[][]): string {
  const cells = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${String(cell)},` : String(cell))));
  const widths = cells[0]!.map((_, i) => Math.max(8, ...cells.map((row) => (row[i]?.length ?? 0) + 1)));
  return cells
    .map((row) => `${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i]!) : cell)).join('')}\n`)
    .join('');
}
