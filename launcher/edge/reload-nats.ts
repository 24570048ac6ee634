// Does: tells a running nats-server to read its users and permissions again. Never restarts it.
import type { Home } from '../core/home.ts';
import { readRecord, signal } from './processes.ts';

export function reloadNats(home: Home): void {
  const record = readRecord(home.pidFile('nats'));
  if (record !== undefined) signal(record, 'SIGHUP');
}
