// Does: writes log lines as JSON to standard output with pino. Never filters by content: nobody may log a secret.
import { pino, type Logger } from 'pino';
import type { Log } from '../base/log.ts';

export function createLog(level: string, fields: Record<string, unknown>): Log {
  return wrap(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }).child(fields));
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
