// Decides a container's environment: the image's, its namespace's services, envFrom, env with references, $(VAR). Never
// fetches a config map or a secret: what is known of them is given.
import { ownValue } from '../../../lib/base/records.ts';
import type { ConfigMap, Container, EnvVar, Secret, Service } from '../../../lib/api/generated/types.ts';
import { fieldValue, resourceValue, type FieldSurroundings } from './fields.ts';
import { configProblem } from './problem.ts';

/** By name, those of the pod's namespace; one that does not exist is absent. */
export interface Sources {
  configMaps: Record<string, ConfigMap>;
  secrets: Record<string, Secret>;
}

export interface EnvironmentInput {
  container: Container;
  around: FieldSurroundings;
  sources: Sources;
  /** `KEY=value` of the image. */
  image: readonly string[];
  services: Record<string, string>;
}

/** Throws PodProblem CreateContainerConfigError. */
export function environmentOf(input: EnvironmentInput): Record<string, string> {
  const own: Record<string, string> = { ...input.services, ...envFrom(input) };
  for (const variable of input.container.env ?? []) {
    const value = valueOf(variable, input);
    if (value !== undefined) own[variable.name] = variable.valueFrom === undefined ? expand(value, own) : value;
  }
  const image = Object.fromEntries(input.image.map((line) => splitOnce(line, '=')));
  return { ...image, ...own };
}

function envFrom({ container, sources }: EnvironmentInput): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data =
      configMapRef !== undefined
        ? configMapData(configMapRef.name, configMapRef.optional, sources)
        : secretRef !== undefined
          ? secretData(secretRef.name, secretRef.optional, sources)
          : {};
    for (const [key, value] of Object.entries(data)) env[prefix + key] = value;
  }
  return env;
}

function configMapData(name = '', optional: boolean | undefined, sources: Sources): Record<string, string> {
  const found = ownValue(sources.configMaps, name);
  if (found === undefined && optional !== true) throw configProblem(`configmap "${name}" not found`);
  return found?.data ?? {};
}

function secretData(name = '', optional: boolean | undefined, sources: Sources): Record<string, string> {
  const found = ownValue(sources.secrets, name);
  if (found === undefined && optional !== true) throw configProblem(`secret "${name}" not found`);
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, textOfBase64(value)]));
}

/** undefined: an optional reference that leads nowhere; the variable is not set. */
function valueOf(
  { name, value, valueFrom }: EnvVar,
  { container, around, sources }: EnvironmentInput,
): string | undefined {
  if (valueFrom === undefined) return value ?? '';
  if (valueFrom.fieldRef !== undefined) return fieldValue(valueFrom.fieldRef, around);
  if (valueFrom.resourceFieldRef !== undefined)
    return resourceValue(valueFrom.resourceFieldRef, container.name, around);
  const [kind, ref] =
    valueFrom.configMapKeyRef !== undefined
      ? (['ConfigMap', valueFrom.configMapKeyRef] as const)
      : (['Secret', valueFrom.secretKeyRef] as const);
  if (ref === undefined) throw configProblem(`env ${name}: this source of a value is not supported`);
  const data =
    kind === 'ConfigMap' ? configMapData(ref.name, ref.optional, sources) : secretData(ref.name, ref.optional, sources);
  const found = ownValue(data, ref.key);
  const { namespace = '' } = around.pod.metadata;
  if (found === undefined && ref.optional !== true)
    throw configProblem(`couldn't find key ${ref.key} in ${kind} ${namespace}/${ref.name ?? ''}`);
  return found;
}

/** `$(NAME)` becomes the variable's value, `$$(NAME)` the text `$(NAME)`; what is unknown stays as it stands. */
export function expand(text: string, variables: Record<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^()]*)\))/g, (whole: string, name: string | undefined) =>
    name === undefined ? '$' : Object.hasOwn(variables, name) ? variables[name]! : whole,
  );
}

/** `WEB_SERVICE_HOST`, `WEB_SERVICE_PORT` and Docker's old link variables, of services that have an address. */
export function serviceVariables(services: readonly Service[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { metadata, spec } of services) {
    const ip = spec?.clusterIP;
    const ports = spec?.ports ?? [];
    if (ip === undefined || ip === '' || ip === 'None' || ports.length === 0) continue;
    const name = metadata.name.toUpperCase().replaceAll('-', '_');
    env[`${name}_SERVICE_HOST`] = ip;
    env[`${name}_SERVICE_PORT`] = String(ports[0]!.port);
    for (const port of ports)
      if (port.name !== undefined && port.name !== '')
        env[`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    for (const [i, port] of ports.entries()) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      const url = `${protocol}://${ip}:${port.port}`;
      const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
      if (i === 0) env[`${name}_PORT`] = url;
      Object.assign(env, {
        [prefix]: url,
        [`${prefix}_PROTO`]: protocol,
        [`${prefix}_PORT`]: String(port.port),
        [`${prefix}_ADDR`]: ip,
      });
    }
  }
  return env;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export function textOfBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(text));
}
