// Decides which functions an expression may call, with which types, under which name each of its forms has a cost of its own.
// Never runs one.
import { parsedType, type CelType } from './types.ts';

export interface Overload {
  id: string;
  isMember: boolean;
  /** The receiver first. */
  params: CelType[];
  result: CelType;
}

/** `name: [receiver.]function(types): result`. */
const SIGNATURES = `
logical_and: _&&_(bool, bool): bool
logical_or: _||_(bool, bool): bool
logical_not: !_(bool): bool
not_strictly_false: @not_strictly_false(bool): bool
conditional: _?_:_(bool, A, A): A
equals: _==_(A, A): bool
not_equals: _!=_(A, A): bool
add_bytes: _+_(bytes, bytes): bytes
add_double: _+_(double, double): double
add_duration_duration: _+_(duration, duration): duration
add_duration_timestamp: _+_(duration, timestamp): timestamp
add_timestamp_duration: _+_(timestamp, duration): timestamp
add_int64: _+_(int, int): int
add_list: _+_(list(A), list(A)): list(A)
add_string: _+_(string, string): string
add_uint64: _+_(uint, uint): uint
subtract_double: _-_(double, double): double
subtract_duration_duration: _-_(duration, duration): duration
subtract_int64: _-_(int, int): int
subtract_timestamp_duration: _-_(timestamp, duration): timestamp
subtract_timestamp_timestamp: _-_(timestamp, timestamp): duration
subtract_uint64: _-_(uint, uint): uint
multiply_double: _*_(double, double): double
multiply_int64: _*_(int, int): int
multiply_uint64: _*_(uint, uint): uint
divide_double: _/_(double, double): double
divide_int64: _/_(int, int): int
divide_uint64: _/_(uint, uint): uint
modulo_int64: _%_(int, int): int
modulo_uint64: _%_(uint, uint): uint
negate_double: -_(double): double
negate_int64: -_(int): int
index_list: _[_](list(A), int): A
index_map: _[_](map(A, B), A): B
optional_list_index_int: _[_](optional(list(A)), int): optional(A)
optional_map_index_value: _[_](optional(map(A, B)), A): optional(B)
list_optindex_optional_int: _[?_](list(A), int): optional(A)
optional_list_optindex_optional_int: _[?_](optional(list(A)), int): optional(A)
map_optindex_optional_value: _[?_](map(A, B), A): optional(B)
optional_map_optindex_optional_value: _[?_](optional(map(A, B)), A): optional(B)
in_list: @in(A, list(A)): bool
in_map: @in(A, map(A, B)): bool
size_bytes: size(bytes): int
bytes_size: bytes.size(): int
size_list: size(list(A)): int
list_size: list(A).size(): int
size_map: size(map(A, B)): int
map_size: map(A, B).size(): int
size_string: size(string): int
string_size: string.size(): int
type: type(A): type
bool_to_bool: bool(bool): bool
string_to_bool: bool(string): bool
bytes_to_bytes: bytes(bytes): bytes
string_to_bytes: bytes(string): bytes
double_to_double: double(double): double
int64_to_double: double(int): double
string_to_double: double(string): double
uint64_to_double: double(uint): double
duration_to_duration: duration(duration): duration
int64_to_duration: duration(int): duration
string_to_duration: duration(string): duration
int64_to_int64: int(int): int
double_to_int64: int(double): int
duration_to_int64: int(duration): int
string_to_int64: int(string): int
timestamp_to_int64: int(timestamp): int
uint64_to_int64: int(uint): int
string_to_string: string(string): string
bool_to_string: string(bool): string
bytes_to_string: string(bytes): string
double_to_string: string(double): string
duration_to_string: string(duration): string
int64_to_string: string(int): string
timestamp_to_string: string(timestamp): string
uint64_to_string: string(uint): string
ip_to_string: string(IP): string
cidr_to_string: string(CIDR): string
timestamp_to_timestamp: timestamp(timestamp): timestamp
int64_to_timestamp: timestamp(int): timestamp
string_to_timestamp: timestamp(string): timestamp
uint64_to_uint64: uint(uint): uint
double_to_uint64: uint(double): uint
int64_to_uint64: uint(int): uint
string_to_uint64: uint(string): uint
to_dyn: dyn(A): dyn
contains_string: string.contains(string): bool
ends_with_string: string.endsWith(string): bool
starts_with_string: string.startsWith(string): bool
matches: matches(string, string): bool
matches_string: string.matches(string): bool
optional_of: optional.of(A): optional(A)
optional_ofNonZeroValue: optional.ofNonZeroValue(A): optional(A)
optional_none: optional.none(): optional(A)
optional_value: optional(A).value(): A
optional_hasValue: optional(A).hasValue(): bool
optional_or_optional: optional(A).or(optional(A)): optional(A)
optional_orValue_value: optional(A).orValue(A): A
list_last: list(A).last(): optional(A)
list_first: list(A).first(): optional(A)
optional_unwrap: optional.unwrap(list(optional(A))): list(A)
optional_unwrapOpt: list(optional(A)).unwrapOpt(): list(A)
string_char_at_int: string.charAt(int): string
string_index_of_string: string.indexOf(string): int
string_index_of_string_int: string.indexOf(string, int): int
string_last_index_of_string: string.lastIndexOf(string): int
string_last_index_of_string_int: string.lastIndexOf(string, int): int
list_a_index_of_int: list(A).indexOf(A): int
list_a_last_index_of_int: list(A).lastIndexOf(A): int
string_lower_ascii: string.lowerAscii(): string
string_upper_ascii: string.upperAscii(): string
string_replace_string_string: string.replace(string, string): string
string_replace_string_string_int: string.replace(string, string, int): string
string_split_string: string.split(string): list(string)
string_split_string_int: string.split(string, int): list(string)
string_substring_int: string.substring(int): string
string_substring_int_int: string.substring(int, int): string
string_trim: string.trim(): string
string_format: string.format(list(dyn)): string
strings_quote: strings.quote(string): string
list_join: list(string).join(): string
list_join_string: list(string).join(string): string
list_sets_contains_list: sets.contains(list(A), list(A)): bool
list_sets_equivalent_list: sets.equivalent(list(A), list(A)): bool
list_sets_intersects_list: sets.intersects(list(A), list(A)): bool
string_find_string: string.find(string): string
string_find_all_string: string.findAll(string): list(string)
string_find_all_string_int: string.findAll(string, int): list(string)
string_to_url: url(string): URL
is_url_string: isURL(string): bool
url_get_scheme: URL.getScheme(): string
url_get_host: URL.getHost(): string
url_get_hostname: URL.getHostname(): string
url_get_port: URL.getPort(): string
url_get_escaped_path: URL.getEscapedPath(): string
url_get_query: URL.getQuery(): map(string, list(string))
string_to_ip: ip(string): IP
cidr_ip: CIDR.ip(): IP
is_ip: isIP(string): bool
ip_is_canonical: ip.isCanonical(string): bool
ip_family: IP.family(): int
ip_is_unspecified: IP.isUnspecified(): bool
ip_is_loopback: IP.isLoopback(): bool
ip_is_link_local_multicast: IP.isLinkLocalMulticast(): bool
ip_is_link_local_unicast: IP.isLinkLocalUnicast(): bool
ip_is_global_unicast: IP.isGlobalUnicast(): bool
string_to_cidr: cidr(string): CIDR
is_cidr: isCIDR(string): bool
cidr_contains_ip_string: CIDR.containsIP(string): bool
cidr_contains_ip_ip: CIDR.containsIP(IP): bool
cidr_contains_cidr_string: CIDR.containsCIDR(string): bool
cidr_contains_cidr: CIDR.containsCIDR(CIDR): bool
cidr_prefix_length: CIDR.prefixLength(): int
cidr_masked: CIDR.masked(): CIDR
string_to_quantity: quantity(string): Quantity
is_quantity_string: isQuantity(string): bool
quantity_sign: sign(Quantity): int
quantity_is_integer: Quantity.isInteger(): bool
quantity_get_int: Quantity.asInteger(): int
quantity_get_float: Quantity.asApproximateFloat(): double
quantity_is_greater_than: Quantity.isGreaterThan(Quantity): bool
quantity_is_less_than: Quantity.isLessThan(Quantity): bool
quantity_compare_to: Quantity.compareTo(Quantity): int
quantity_add: Quantity.add(Quantity): Quantity
quantity_add_int: Quantity.add(int): Quantity
quantity_sub: Quantity.sub(Quantity): Quantity
quantity_sub_int: Quantity.sub(int): Quantity
@mapInsert_map_map: cel.@mapInsert(map(A, B), map(A, B)): map(A, B)
@mapInsert_map_key_value: cel.@mapInsert(map(A, B), A, B): map(A, B)
format_named: format.named(string): optional(Format)
format_validate: Format.validate(string): optional(list(string))
timestamp_to_year: timestamp.getFullYear(): int
timestamp_to_month: timestamp.getMonth(): int
timestamp_to_day_of_year: timestamp.getDayOfYear(): int
timestamp_to_day_of_month: timestamp.getDayOfMonth(): int
timestamp_to_day_of_month_1_based: timestamp.getDate(): int
timestamp_to_day_of_week: timestamp.getDayOfWeek(): int
timestamp_to_hours: timestamp.getHours(): int
timestamp_to_minutes: timestamp.getMinutes(): int
timestamp_to_seconds: timestamp.getSeconds(): int
timestamp_to_milliseconds: timestamp.getMilliseconds(): int
timestamp_to_year_with_tz: timestamp.getFullYear(string): int
timestamp_to_month_with_tz: timestamp.getMonth(string): int
timestamp_to_day_of_year_with_tz: timestamp.getDayOfYear(string): int
timestamp_to_day_of_month_with_tz: timestamp.getDayOfMonth(string): int
timestamp_to_day_of_month_1_based_with_tz: timestamp.getDate(string): int
timestamp_to_day_of_week_with_tz: timestamp.getDayOfWeek(string): int
timestamp_to_hours_with_tz: timestamp.getHours(string): int
timestamp_to_minutes_with_tz: timestamp.getMinutes(string): int
timestamp_to_seconds_with_tz: timestamp.getSeconds(string): int
timestamp_to_milliseconds_with_tz: timestamp.getMilliseconds(string): int
duration_to_hours: duration.getHours(): int
duration_to_minutes: duration.getMinutes(): int
duration_to_seconds: duration.getSeconds(): int
duration_to_milliseconds: duration.getMilliseconds(): int
`;

const COMPARED = ['less', 'less_equals', 'greater', 'greater_equals'] as const;
const SIGNS = { less: '<', less_equals: '<=', greater: '>', greater_equals: '>=' } as const;
/** Any two numbers are compared, and others of one type. */
const NUMBERS = ['int', 'uint', 'double'];
const OTHERS = ['bool', 'string', 'bytes', 'timestamp', 'duration'];
const comparable = [...NUMBERS, ...OTHERS];
const FORMATS =
  `dns1123Label dns1123Subdomain dns1035Label qualifiedName dns1123LabelPrefix dns1123SubdomainPrefix dns1035LabelPrefix
  labelValue uri uuid byte date datetime`.split(/\s+/);

function* generated(): Generator<string> {
  for (const name of COMPARED) {
    for (const type of OTHERS) yield `${name}_${type}: _${SIGNS[name]}_(${type}, ${type}): bool`;
    for (const a of NUMBERS) for (const b of NUMBERS) yield `${name}_${a}_${b}: _${SIGNS[name]}_(${a}, ${b}): bool`;
  }
  for (const type of comparable) {
    yield `list_${type}_is_sorted_bool: list(${type}).isSorted(): bool`;
    yield `list_${type}_max_${type}: list(${type}).max(): ${type}`;
    yield `list_${type}_min_${type}: list(${type}).min(): ${type}`;
  }
  for (const type of [...NUMBERS, 'duration']) yield `list_${type}_sum_${type}: list(${type}).sum(): ${type}`;
  for (const name of FORMATS) yield `format.${name}: format.${name}(): Format`;
}

function parsed(line: string): [string, Overload] {
  const at = line.indexOf(': ');
  const [, before, name, params, result] = /^(?:(.*)\.)?([^.\s]*?)\(([^:]*)\): (.*)$/.exec(
    line.slice(at + 2).replace('_?_:_(', '_?_@_('),
  )!;
  const isNamespace = before !== undefined && /^[a-z]\w*$/.test(before) && NAMESPACES.has(before);
  const functionName = (isNamespace ? `${before}.${name}` : name!).replace('_?_@_', '_?_:_');
  const isMember = before !== undefined && !isNamespace;
  const types = `${isMember ? `${before}, ` : ''}${params}`.replace(/, $/, '');
  const { params: list } = parsedType(`tuple(${types})`);
  return [functionName, { id: line.slice(0, at), isMember, params: list, result: parsedType(result!) }];
}

/** Names before functions, not values that have members. */
const NAMESPACES = new Set(['optional', 'sets', 'strings', 'ip', 'format', 'cel']);

let table: Map<string, Overload[]> | undefined;

function theTable(): Map<string, Overload[]> {
  if (table !== undefined) return table;
  table = new Map();
  for (const line of [...SIGNATURES.trim().split('\n'), ...generated()]) {
    const [name, overload] = parsed(line);
    table.set(name, [...(table.get(name) ?? []), overload]);
  }
  return table;
}

export const overloadsOf = (name: string): readonly Overload[] => theTable().get(name) ?? [];

/** `sets.contains` is one function. */
export const isFunctionName = (name: string): boolean => name.includes('.') && theTable().has(name);
