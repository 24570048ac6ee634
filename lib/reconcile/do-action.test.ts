// Shows that emptying a namespace of a kind is done when nothing is left, whatever way the server knows, and fails before that.
import test from 'ava';
import { ApiError } from '../base/errors.ts';
import type { ApiRequest } from '../bus/messages.ts';
import { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import { doAction } from './do-action.ts';

const NOTES = { group: 'ext.io', version: 'v1', resource: 'notes', kind: 'Note', namespaced: true };

function server(options: { deletesMany: boolean; keeps?: boolean }) {
  const names = new Set(['a', 'b']);
  const asked: string[] = [];
  const serve = ({ method, path }: ApiRequest): object => {
    const name = /\/notes\/(.+)$/.exec(path)?.[1];
    if (method === 'DELETE' && name === undefined && !options.deletesMany)
      throw new ApiError('MethodNotAllowed', 'not many at once');
    if (method === 'DELETE' && options.keeps !== true)
      for (const one of names) if ((name ?? one) === one) names.delete(one);
    return { metadata: {}, items: [...names].map((one) => ({ metadata: { name: one } })) };
  };
  const client = new Client({
    request: (request) => {
      asked.push(`${request.method} ${request.path}`);
      try {
        return Promise.resolve({ code: 200, body: serve(request) });
      } catch (error) {
        return Promise.resolve({ code: 405, body: (error as ApiError).toStatus() });
      }
    },
  });
  const run = () =>
    doAction({ type: 'empty', ref: NOTES, namespace: 'team' }, client, {} as EventRecorder, {
      cause: { span: 's', actor: 'a' },
    });
  return { run, names, asked };
}

test('a namespace is emptied of a kind, all at once or one by one', async (t) => {
  const AT = '/apis/ext.io/v1/namespaces/team/notes';
  for (const deletesMany of [true, false]) {
    const { run, names, asked } = server({ deletesMany });
    t.deepEqual(await run(), { did: 'empty Note team/' });
    t.is(names.size, 0);
    t.is(asked.includes(`DELETE ${AT}/b`), !deletesMany);
    asked.length = 0;
    await run();
    t.deepEqual(asked, [`GET ${AT}`], 'nothing is deleted where nothing is');
  }
});

test('what stays makes it fail', async (t) => {
  const { run } = server({ deletesMany: true, keeps: true });
  await t.throwsAsync(run(), { instanceOf: ApiError, message: '2 notes.ext.io are left in the namespace "team"' });
});
