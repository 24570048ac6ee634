import test from 'ava';
import { headerOf, rowOf, type TableColumn, type TableView } from './server-table.ts';
import { alignTabs } from './tab-writer.ts';
import { tableLines, TableText } from './table-text.ts';

const COLUMNS: TableColumn[] = [
  { name: 'Name', type: 'string' },
  { name: 'Ready', type: 'string' },
  { name: 'IP', type: 'string', priority: 1 },
];
const VIEW: TableView = { wide: false, withNamespace: false, showLabels: false, labelColumns: [], namePrefix: '' };
const ROW = {
  cells: ['web-1', '1/1', '10.0.0.1'],
  object: { metadata: { name: 'web-1', namespace: 'shop', labels: { b: '2', 'x/a': '1' } } },
};

test('columns stand three apart and are six wide at least; the last has no spaces behind it', (t) => {
  t.deepEqual(
    tableLines([
      ['NAME', 'A', 'AGE'],
      ['web-78598fcc79-jmfs7', '1', '3s'],
    ]),
    ['NAME                   A     AGE', 'web-78598fcc79-jmfs7   1     3s'],
  );
});

test('later rows of a watch keep the widths of the earlier ones', (t) => {
  const text = new TableText();
  text.lines([['long-name', 'x']]);
  t.deepEqual(text.lines([['a', 'y']]), ['a           y']);
});

test('wide columns, namespaces, labels and prefixes appear when asked for', (t) => {
  t.deepEqual(headerOf(COLUMNS, VIEW), ['NAME', 'READY']);
  t.deepEqual(rowOf(COLUMNS, ROW, VIEW), ['web-1', '1/1']);
  const all: TableView = {
    wide: true,
    withNamespace: true,
    showLabels: true,
    labelColumns: ['x/a'],
    namePrefix: 'pod/',
  };
  t.deepEqual(headerOf(COLUMNS, all), ['NAMESPACE', 'NAME', 'READY', 'IP', 'A', 'LABELS']);
  t.deepEqual(rowOf(COLUMNS, ROW, all), ['shop', 'pod/web-1', '1/1', '10.0.0.1', '1', 'b=2,x/a=1']);
});

test('a cell cannot break the table or reach the terminal', (t) => {
  const row = { cells: ['a\nb', '\u001B[31mred', null] };
  t.deepEqual(rowOf(COLUMNS, row, VIEW), ['a...', '^[[31mred']);
});

test("describe's columns are runs of neighbouring lines, as Go's tabwriter makes them", (t) => {
  const text = [
    'Name:\tweb',
    'Containers:',
    '  web:',
    '    Image:\tx',
    '    Port:\t1',
    'QoS Class:\tBurstable',
    'A:\tb\tc',
  ].join('\n');
  t.is(
    alignTabs(text),
    [
      'Name:  web',
      'Containers:',
      '  web:',
      '    Image:  x',
      '    Port:   1',
      'QoS Class:  Burstable',
      'A:          b  c',
    ].join('\n'),
  );
});
