// Decides whether probes, hooks and the signal that ends a container may stand. Never runs one.
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { httpHeaderName, portName, portNumber } from '../formats.ts';
import type { Container, LifecycleHandler, Probe } from '../generated/types.ts';

/** What a handler needs to know of its pod. */
export interface HandlerContext {
  graceSeconds: number;
  os: string | undefined;
}

const NEGATIVE = 'must be greater than or equal to 0';
const SCHEMES = ['HTTP', 'HTTPS'];
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const PROBE_NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

/** Of a container that runs beside the others; one that only prepares has none. */
export function validateHandlers(container: Container, path: string, ctx: HandlerContext): FieldError[] {
  const errors: FieldError[] = [];
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[hook];
    if (handler !== undefined) errors.push(...validateHandler(handler, `${path}.lifecycle.${hook}`, ctx));
  }
  if (container.lifecycle?.stopSignal !== undefined && ctx.os === undefined)
    errors.push(forbidden(`${path}.lifecycle.stopSignal`, 'may not be set for containers with empty `spec.os.name`'));
  for (const field of PROBES)
    if (container[field] !== undefined) errors.push(...validateProbe(container[field], `${path}.${field}`, field, ctx));
  return errors;
}

export function refuseHandlers(container: Container, path: string): FieldError[] {
  return (['lifecycle', ...PROBES] as const)
    .filter((field) => container[field] !== undefined)
    .map((field) => forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
}

function validateProbe(probe: Probe, path: string, field: string, ctx: HandlerContext): FieldError[] {
  const errors = validateHandler(probe, path, ctx);
  for (const key of PROBE_NUMBERS)
    if ((probe[key] ?? 0) < 0) errors.push(invalidValue(`${path}.${key}`, probe[key], NEGATIVE));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (field === 'readinessProbe') {
    if (grace !== undefined)
      errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
  } else if ((probe.successThreshold ?? 1) !== 1)
    errors.push(invalidValue(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  return errors;
}

function validateHandler(handler: LifecycleHandler & Probe, path: string, ctx: HandlerContext): FieldError[] {
  const [first, ...more] = HANDLERS.filter((key) => handler[key] !== undefined);
  if (first === undefined) return [required(path, 'must specify a handler type')];
  return [
    ...validateFirst(first, handler, `${path}.${first}`, ctx),
    ...more.map((extra) => forbidden(`${path}.${extra}`, 'may not specify more than 1 handler type')),
  ];
}

function validateFirst(
  first: (typeof HANDLERS)[number],
  handler: LifecycleHandler & Probe,
  path: string,
  ctx: HandlerContext,
): FieldError[] {
  switch (first) {
    case 'exec':
      return (handler.exec!.command ?? []).length === 0 ? [required(`${path}.command`)] : [];
    case 'httpGet':
      return validateHttpGet(handler.httpGet!, path);
    case 'tcpSocket':
    case 'grpc':
      return portOrName(handler[first]!.port, `${path}.port`);
    case 'sleep':
      return validateSleep(handler.sleep!.seconds, path, ctx);
  }
}

function validateHttpGet(http: NonNullable<Probe['httpGet']>, path: string): FieldError[] {
  const errors = http.path ? [] : [required(`${path}.path`)];
  errors.push(...portOrName(http.port, `${path}.port`));
  if (!SCHEMES.includes(http.scheme ?? '')) errors.push(notSupported(`${path}.scheme`, http.scheme ?? '', SCHEMES));
  for (const { name } of http.httpHeaders ?? [])
    errors.push(...httpHeaderName(name).map((told) => invalidValue(`${path}.httpHeaders`, name, told)));
  return errors;
}

function validateSleep(seconds: number, path: string, { graceSeconds }: HandlerContext): FieldError[] {
  if (seconds >= 0 && seconds <= graceSeconds) return [];
  const told = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [invalidValue(path, seconds, told)];
}

export function portOrName(port: number | string, path: string): FieldError[] {
  const problems = typeof port === 'number' ? portNumber(port) : portName(port);
  return problems.map((told) => invalidValue(path, port, told));
}
