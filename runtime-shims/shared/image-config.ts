// Decides what an image's configuration says, from the OCI document with Go's field names. Never fetches it.
import type { ImageConfig } from '../contract.ts';

export function imageConfigOf(config: Record<string, unknown>): ImageConfig {
  const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const stopSignal = text(config['StopSignal']);
  return {
    entrypoint: texts(config['Entrypoint']),
    command: texts(config['Cmd']),
    env: texts(config['Env']),
    user: text(config['User']),
    workingDir: text(config['WorkingDir']),
    ...(stopSignal === '' ? {} : { stopSignal }),
  };
}
