import test from 'ava';
import { goJsonError } from './json-error.ts';

const CASES: Array<[string, string]> = [
  ['apiVersion: v1', "invalid character 'a' looking for beginning of value"],
  ['', 'unexpected end of JSON input'],
  ['{"spec":', 'unexpected end of JSON input'],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{"a":trux}', "invalid character 'x' in literal true (expecting 'e')"],
  ['{"a":nul', 'unexpected end of JSON input'],
  ['{"a":-x}', "invalid character 'x' in numeric literal"],
  ['"a\nb"', String.raw`invalid character '\n' in string literal`],
  [String.raw`"\x"`, "invalid character 'x' in string escape code"],
  [String.raw`"\u12z4"`, String.raw`invalid character 'z' in \u hexadecimal character escape`],
  ["{'a':1}", String.raw`invalid character '\'' looking for beginning of object key string`],
];

for (const [text, told] of CASES)
  test(`what is wrong with ${JSON.stringify(text)}`, (t) => t.is(goJsonError(text), told));
