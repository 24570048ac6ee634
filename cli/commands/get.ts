// Decides what `get` asks for and how it prints it. Never changes anything.
import { toYaml } from '../../lib/api/yaml.ts';
import { resourcePath } from '../../lib/api/resource.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { kindText, parseTargets, UsageError, type ServedResource, type Target } from '../core/resources.ts';
import { headerOf, isServerTable, rowOf, type ServerTable, type TableView } from '../core/server-table.ts';
import { TableText } from '../core/table-text.ts';
import { ExitError, failureText } from '../edge/failure.ts';
import { openSession, type Session } from '../edge/session.ts';
import { watchLines } from '../edge/watch.ts';

interface GetArguments {
  words: string[];
  output?: string | undefined;
  watch: boolean;
  'watch-only': boolean;
  selector?: string | undefined;
  'field-selector'?: string | undefined;
  'all-namespaces': boolean;
  'show-labels': boolean;
  'label-columns': string[];
  headers: boolean;
  'ignore-not-found': boolean;
  'show-managed-fields': boolean;
  raw?: string | undefined;
}

type Arguments = GlobalArguments & GetArguments;
type Json = Record<string, unknown>;

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const PAGE = '500';
const OUTPUTS = ['wide', 'yaml', 'json', 'name'];

export const getCommand = defineCommand<GetArguments>({
  command: 'get [words..]',
  describe: 'show one or many objects: get pods, get deploy/web svc/web, get all -A',
  builder: (yargs) =>
    yargs
      .positional('words', { type: 'string', array: true, default: [] as string[] })
      .option('output', { alias: 'o', type: 'string', describe: 'wide, yaml, json or name' })
      .option('watch', { alias: 'w', type: 'boolean', default: false, describe: 'then go on and show changes' })
      .option('watch-only', { type: 'boolean', default: false, describe: 'show changes only' })
      .option('selector', { alias: 'l', type: 'string', describe: 'label selector: app=web' })
      .option('field-selector', { type: 'string', describe: 'field selector: spec.nodeName=node-1' })
      .option('all-namespaces', { alias: 'A', type: 'boolean', default: false })
      .option('show-labels', { type: 'boolean', default: false })
      .option('label-columns', { alias: 'L', type: 'string', array: true, default: [] as string[] })
      .option('headers', { type: 'boolean', default: true, describe: 'column names (--no-headers)' })
      .option('ignore-not-found', { type: 'boolean', default: false })
      .option('show-managed-fields', { type: 'boolean', default: false })
      .option('raw', { type: 'string', describe: 'any path of the API' }),
  handler: (args) => run(args),
});

async function run(args: Arguments): Promise<void> {
  if (args.output !== undefined && !OUTPUTS.includes(args.output))
    throw new UsageError(
      `unable to match a printer suitable for the output format "${args.output}", allowed formats are: ${OUTPUTS.join(',')}`,
    );
  const session = openSession(args);
  if (args.raw !== undefined) return printRaw(session, args.raw);
  if (args.words.length === 0) throw new UsageError('You must specify the type of resource to get');
  const targets = parseTargets(args.words, await session.resources());
  if (targets.some(({ name }) => name !== undefined) && args.selector !== undefined)
    throw new UsageError('name cannot be provided when a selector is specified');
  if (args.watch || args['watch-only']) return watch(session, targets, args);
  if (args.output === undefined || args.output === 'wide') return printTables(session, targets, args);
  return printObjects(session, targets, args);
}

async function printRaw(session: Session, path: string): Promise<void> {
  const url = new URL(path, 'https://api');
  const answer = await session.stream({
    method: 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
  });
  for await (const chunk of answer.body) process.stdout.write(chunk);
}

// ---- tables -------------------------------------------------------------------------------------------------------

async function printTables(session: Session, targets: readonly Target[], args: Arguments): Promise<void> {
  const many = new Set(targets.map(({ resource }) => resource)).size > 1;
  const table = new TableText();
  let printed = 0;
  let failed = false;
  let before: ServedResource | undefined;
  for (const target of targets) {
    try {
      const answers = await fetchPages(session, target, args, TABLE);
      for (const answer of answers) {
        const rows = isServerTable(answer) ? (answer.rows ?? []) : [];
        if (rows.length === 0) continue;
        const view = viewOf(target.resource, args, many);
        const found = answer as unknown as ServerTable;
        const first = before !== target.resource;
        if (first && before !== undefined && many) console.log('');
        const lines = (many ? (first ? new TableText() : table) : table).lines([
          ...(first && args.headers ? [headerOf(found.columnDefinitions, view)] : []),
          ...rows.map((row) => rowOf(found.columnDefinitions, row, view)),
        ]);
        for (const line of lines) console.log(line);
        before = target.resource;
        printed += rows.length;
      }
    } catch (error) {
      if (target.name === undefined && targets.length === 1) throw error;
      if (!(args['ignore-not-found'] && failureText(error).includes('(NotFound)'))) {
        console.error(failureText(error));
        failed = true;
      }
    }
  }
  if (failed) throw new ExitError(1);
  if (printed === 0 && !args['ignore-not-found']) console.error(nothingText(session, targets, args));
}

function viewOf(resource: ServedResource, args: Arguments, many: boolean): TableView {
  return {
    wide: args.output === 'wide',
    withNamespace: args['all-namespaces'] && resource.namespaced,
    showLabels: args['show-labels'],
    labelColumns: args['label-columns'].flatMap((labels) => labels.split(',')),
    namePrefix: many ? `${kindText(resource)}/` : '',
  };
}

function nothingText(session: Session, targets: readonly Target[], args: Arguments): string {
  const scoped = !args['all-namespaces'] && targets.some(({ resource }) => resource.namespaced);
  return scoped ? `No resources found in ${session.namespace} namespace.` : 'No resources found';
}

// ---- objects ------------------------------------------------------------------------------------------------------

async function printObjects(session: Session, targets: readonly Target[], args: Arguments): Promise<void> {
  const objects: Array<{ resource: ServedResource; object: Json }> = [];
  let failed = false;
  for (const target of targets) {
    try {
      for (const answer of await fetchPages(session, target, args, 'application/json')) {
        const items = target.name === undefined ? itemsOf(answer, target.resource) : [answer];
        objects.push(...items.map((object) => ({ resource: target.resource, object })));
      }
    } catch (error) {
      if (args['ignore-not-found'] && failureText(error).includes('(NotFound)')) continue;
      console.error(failureText(error));
      failed = true;
    }
  }
  if (args.output === 'name') for (const { resource, object } of objects) console.log(nameOf(resource, object));
  else if (!(failed && objects.length === 0))
    printDocuments(
      objects.map(({ object }) => shownObject(object, args)),
      isOne(targets),
      args.output!,
    );
  if (failed) throw new ExitError(1);
}

function isOne(targets: readonly Target[]): boolean {
  return targets.length === 1 && targets[0]!.name !== undefined;
}

function printDocuments(objects: readonly Json[], one: boolean, output: string): void {
  if (one && objects.length === 0) return;
  const document = one
    ? objects[0]!
    : { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } };
  if (output === 'json') console.log(JSON.stringify(document, null, 4));
  else process.stdout.write(toYaml(document));
}

/** Items of a list may leave out what the list says of all of them. */
function itemsOf(answer: Json, resource: ServedResource): Json[] {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return ((answer['items'] as Json[] | null | undefined) ?? []).map((item) => ({
    apiVersion,
    kind: resource.kind,
    ...item,
  }));
}

function shownObject(object: Json, args: Arguments): Json {
  if (args['show-managed-fields']) return object;
  const { managedFields: _fields, ...metadata } = (object['metadata'] ?? {}) as Json;
  return { ...object, metadata };
}

function nameOf(resource: ServedResource, object: Json): string {
  return `${kindText(resource)}/${String((object['metadata'] as { name?: string }).name)}`;
}

async function fetchPages(session: Session, target: Target, args: Arguments, accept: string): Promise<Json[]> {
  const path = pathOf(session, target, args);
  if (target.name !== undefined) return [await session.send<Json>({ method: 'GET', path }, { accept })];
  const pages: Json[] = [];
  let next: string | undefined;
  do {
    const query: Record<string, string> = {
      ...selectorsOf(args),
      limit: PAGE,
      ...(next === undefined ? {} : { continue: next }),
    };
    const page = await session.send<Json>({ method: 'GET', path, query }, { accept });
    pages.push(page);
    next = (page['metadata'] as { continue?: string } | undefined)?.continue;
  } while (next !== undefined && next !== '');
  return pages;
}

function pathOf(session: Session, target: Target, args: Arguments): string {
  const everywhere = args['all-namespaces'] && target.name === undefined;
  return resourcePath(target.resource, {
    ...(everywhere ? {} : { namespace: session.namespace }),
    ...(target.name === undefined ? {} : { name: target.name }),
  });
}

function selectorsOf(args: Arguments): Record<string, string> {
  return {
    ...(args.selector === undefined ? {} : { labelSelector: args.selector }),
    ...(args['field-selector'] === undefined ? {} : { fieldSelector: args['field-selector'] }),
  };
}

// ---- watch --------------------------------------------------------------------------------------------------------

async function watch(session: Session, targets: readonly Target[], args: Arguments): Promise<void> {
  const [target] = targets;
  if (target === undefined || targets.length > 1) throw new UsageError('you may only specify a single resource type');
  const asTable = args.output === undefined || args.output === 'wide';
  const printer = asTable
    ? tablePrinter(viewOf(target.resource, args, false), args.headers)
    : objectPrinter(target.resource, args);
  const query = {
    ...selectorsOf(args),
    ...(target.name === undefined ? {} : { fieldSelector: `metadata.name=${target.name}` }),
  };
  // A missing object is an error at once, as without -w.
  if (target.name !== undefined) await session.send({ method: 'GET', path: pathOf(session, target, args) });
  const path = pathOf(session, { ...target, name: undefined }, args);
  for await (const { object, initial } of watchLines(session, path, query, asTable ? TABLE : 'application/json')) {
    if (initial && args['watch-only']) continue;
    printer(object);
  }
}

function tablePrinter(view: TableView, headers: boolean): (object: Json) => void {
  const text = new TableText();
  let columns: ServerTable['columnDefinitions'] | undefined;
  return (object) => {
    if (!isServerTable(object)) return;
    const first = columns === undefined;
    columns = object.columnDefinitions?.length > 0 ? object.columnDefinitions : columns;
    if (columns === undefined || (object.rows ?? []).length === 0) {
      if (first) columns = undefined;
      return;
    }
    const rows = object.rows!.map((row) => rowOf(columns!, row, view));
    for (const line of text.lines([...(first && headers ? [headerOf(columns, view)] : []), ...rows])) console.log(line);
  };
}

function objectPrinter(resource: ServedResource, args: Arguments): (object: Json) => void {
  return (object) => {
    const objects = Array.isArray(object['items']) ? itemsOf(object, resource) : [object];
    for (const each of objects) {
      if (args.output === 'name') console.log(nameOf(resource, each));
      else if (args.output === 'json') console.log(JSON.stringify(shownObject(each, args), null, 4));
      else process.stdout.write(`---\n${toYaml(shownObject(each, args))}`);
    }
  };
}
