// Does: tells Prometheus of this process under the names that every exporter uses, from what the kernel says when somebody looks.
// Never measures by itself: prom-client's own also watch the event loop, which costs.
import { readdirSync, readFileSync } from 'node:fs';
import { Counter, Gauge, type Registry } from 'prom-client';

const SECONDS_PER_MICROSECOND = 1e-6;
const PAGE_BYTES = 4096;
/** Whole seconds since 1970. */
export const PROCESS_BEGAN = Math.floor(Date.now() / 1000 - process.uptime());

export function tellProcess(registry: Registry): void {
  const registers = [registry];
  void new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time of this process.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) * SECONDS_PER_MICROSECOND);
    },
  });
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    void new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  gauge('process_start_time_seconds', 'When this process began, in seconds since 1970.', () => PROCESS_BEGAN);
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('process_virtual_memory_bytes', 'Virtual memory.', () => {
    const [pages] = (told('/proc/self/statm') ?? '').split(' ');
    return pages ? Number(pages) * PAGE_BYTES : undefined;
  });
  gauge('process_open_fds', 'Open file descriptors.', () => quietly(() => readdirSync('/proc/self/fd').length));
  gauge('process_max_fds', 'Most file descriptors that may be open.', () => {
    const limit = /^Max open files +(\d+)/m.exec(told('/proc/self/limits') ?? '')?.[1];
    return limit === undefined ? undefined : Number(limit);
  });
}

const told = (file: string): string | undefined => quietly(() => readFileSync(file, 'utf8'));

/** Not every system has /proc. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
