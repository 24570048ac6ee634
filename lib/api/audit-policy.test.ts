// Shows which texts are audit policies, and what is said of those that are none.
import test from 'ava';
import { parseAuditPolicy } from './audit-policy.ts';

const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
const why = (text: string): string => {
  try {
    parseAuditPolicy(text, 'p.yaml');
    return '';
  } catch (error) {
    return (error as Error).message.replace('the audit policy p.yaml cannot be used: ', '');
  }
};

test('a policy of upstream is read', (t) => {
  const text = `${HEAD}omitStages: [RequestReceived]
rules:
- level: RequestResponse
  resources: [{group: "", resources: [pods]}]
- level: None
  users: ["system:kube-proxy"]
  verbs: [watch]
- level: Metadata
  nonResourceURLs: ["/api*"]
  omitManagedFields: true
`;
  t.is(parseAuditPolicy(text, 'p.yaml').rules.length, 3);
});

test('what is wrong is said with its place', (t) => {
  t.regex(why('a: ['), /^yaml: line 1: did not find expected node content/);
  t.is(why(''), 'it must hold one Policy, and holds 0 documents');
  t.regex(why('kind: Pod\napiVersion: v1'), /apiVersion "v1", kind "Pod": it must be audit\.k8s\.io\/v1, Policy/);
  t.is(why(HEAD), 'loaded illegal policy with 0 rules');
  t.regex(why(`${HEAD}rules: [{}]`), /rules\[0\]\.level: Required value/);
  t.regex(
    why(`${HEAD}rules: [{level: All}]`),
    /rules\[0\]\.level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"/,
  );
  t.regex(why(`${HEAD}rules: [{level: None, user: [a]}]`), /rules\[0\]\.user: Invalid value: "user": unknown field/);
  t.regex(why(`${HEAD}rules: [{level: None, verbs: get}]`), /rules\[0\]\.verbs: .*must be a list of texts/);
  t.regex(
    why(`${HEAD}rules: [{level: None, omitStages: [Late]}]`),
    /rules\[0\]\.omitStages\[0\]: .*allowed stages are/,
  );
  t.regex(
    why(`${HEAD}rules: [{level: None, nonResourceURLs: ["a", "/a*b"]}]`),
    /must begin with a '\/' character.*must be the final character/s,
  );
  t.regex(
    why(`${HEAD}rules: [{level: None, nonResourceURLs: ["/a"], namespaces: [b]}]`),
    /rules cannot apply to both regular resources and non-resource URLs/,
  );
  t.regex(why(`${HEAD}rules: [{level: None, resources: [{group: "apps/v1"}]}]`), /without a version/);
  t.regex(
    why(`${HEAD}rules: [{level: None, resources: [{resourceNames: [a]}]}]`),
    /using resourceNames requires at least one resource/,
  );
  t.regex(why(`${HEAD}${HEAD}rules: []`), /duplicate field/);
});
