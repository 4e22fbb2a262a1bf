// What SQL can make of one value. `§` stands for the column. Each is asked for a classed column and for its twin
// beside it, so that what hides too little and what hides too much are seen in the same answer.

export type ExpressionKind = 'scalar' | 'aggregate' | 'window' | 'set'

export interface Expression {
  readonly sql: string
  readonly kind: ExpressionKind
  /** The classed column of `people` that it is made for. */
  readonly on: string
  /** The first version that has it. */
  readonly since: number
  /** The value only tells how many rows a condition chose: the rules for predicates are what stops it. */
  readonly probes: boolean
}

const scalar = `
§ | (§) | §::varchar | §::varchar(30) | §::name | §::char(20) | §::bytea | §::word | cast(§ as text) | § collate "C" | §::text::text
upper(§) | lower(§) | reverse(§) | initcap(§) | § || '!' | '!' || § | textcat(§, '!') | § operator(pg_catalog.||) '!' | § || 1
concat('a', §) | concat_ws('-', 'a', §) | format('%s', §) | format('%L', §) | format('%1$s %1$s', §) | quote_literal(§) | quote_nullable(§) | quote_ident(§)
coalesce(§, '-') | coalesce(null, §) | nullif(§, '-') | greatest(§, '') | least(§, '~~~')
case when true then § end | case § when 'x' then 'y' else § end | case when § like 'q%' then 1 else 0 end | case when p.id = 1 then 'a' else § end
array[§] | array[§]::text | (array[§])[1] | array_append(array['a'], §) | array_to_string(array[§], ',') | string_to_array(§, null) | (string_to_array(§, null))[1]
row(§, 1) | row(§)::text | row_to_json(row(§)) | json_build_object('k', §) | json_build_object(§, 1) | json_build_array(§) | to_json(§) | to_jsonb(§)
to_jsonb(§) #>> '{}' | jsonb_build_object('k', §) ->> 'k' | (jsonb_build_object('k', §))['k'] | jsonb_path_query_first(jsonb_build_object('k', §), '$.k')
jsonb_set('{"a": 1}', '{a}', to_jsonb(§)) | jsonb_pretty(to_jsonb(§)) | json_object(array['k', §]) | jsonb_build_object('k', §) || '{}' | array_to_json(array[§])
jsonb_build_object(§, 1) ? 'x' | jsonb_build_object('k', §)::text | (jsonb_populate_record(null::address, jsonb_build_object('street', §))).street
xmlelement(name x, §) | xmlforest(§ as x) | xmlelement(name x, xmlattributes(§ as y)) | xmlconcat(xmlelement(name x, §)) | xmlserialize(content xmlelement(name x, §) as text)
xmlcomment(§) | xmlpi(name x, §) | xpath('/x/text()', xmlelement(name x, §)) | xmlparse(content §)
regexp_replace(§, '^.', '') | regexp_match(§, '.*') | (regexp_match(§, '(.)(.*)'))[2] | regexp_split_to_array(§, '') | regexp_substr(§, '.{8}') | regexp_count(§, 'q') | regexp_instr(§, 'z')
substring(§ from 2 for 8) | substring(§, 2) | substring(§ from '.{8}') | substring(§ similar '%#"_______#"%' escape '#') | substr(§, 3) | left(§, 8) | right(§, 8) | overlay(§ placing 'x' from 1) | split_part(§, '~', 1)
translate(§, '~', '-') | replace(§, '~', '-') | lpad(§, 30, '*') | rpad(§, 30) | repeat(§, 2) | trim(§) | btrim(§, '~') | ltrim(§) | rtrim(§) | normalize(§)
encode(convert_to(§, 'UTF8'), 'hex') | encode(§::bytea, 'base64') | encode(§::bytea, 'escape') | convert_to(§, 'UTF8') | convert_from(convert_to(§, 'UTF8'), 'UTF8')
md5(§) | sha224(§::bytea) | sha256(§::bytea) | encode(sha512(§::bytea), 'hex') | hashtext(§) | hashtextextended(§, 0)
length(§) | octet_length(§) | char_length(§) | bit_length(§) | ascii(§) | chr(ascii(§)) | to_hex(ascii(§)) | strpos(§, 'z') | position('q' in §) | get_byte(§::bytea, 1) | get_bit(§::bytea, 3)
starts_with(§, 'q') | § like 'q%' | § ilike '%z%' | § not like 'q%' | § ~ '^q' | § !~* 'z' | § similar to '%z%' | § = 'x' | § <> 'x' | § < 'm' | § >= 'm' | § is null | § is not null
§ is distinct from 'x' | § in ('a', 'b') | § not in ('a', 'b') | § = any(array['a', 'b']) | § = all(array['a']) | § between 'a' and 'p' | § ^@ 'z' | row(§, 1) < row('m', 2) | num_nulls(§, null) | bttextcmp(§, 'm') | texteq(§, 'x')
to_tsvector('simple', §) | to_tsvector('simple', §)::text | plainto_tsquery('simple', §) | tsvector_to_array(to_tsvector('simple', §)) | to_tsvector('simple', §) @@ 'zz'::tsquery | ts_headline('simple', §, 'x'::tsquery)
(select §) | (select max(v) from (values (§)) t(v)) | (select v from (select § as v) t) | array(select §) | array(select § union all select 'x') | exists (select 1 where § like 'q%') | § in (select label from plain) | § = any (select label from plain)
~(select count(*) from plain where label < §) | (select string_agg(x, '') from unnest(string_to_array(§, null)) x) | (with w(v) as (select §) select v from w) | (select label || § from plain limit 1) | row(§, 'x') = (select label, label from plain limit 1)
glue(§, '!') | § ||| '!' | ascii(§)::text::int + 1 | (ascii(§) % 7 = 0)::text | length(§)::float8 / 3 | textin(textout(§)) | text(§::varchar) | bpchar(§::varchar)
string_to_array(§, 'q') | array_length(string_to_array(§, null), 1) | array_position(array['a', §], 'a') | array[[§]] | array[§] || 'z'::text | 'x' = any(array[§]) | array[§] @> array['x'] | cardinality(string_to_array(§, 'z'))
lower(§)::"char" | unistr(§) | parse_ident(quote_ident(§)) | concat(p) | concat(p.id, §) | jsonb_typeof(to_jsonb(length(§)))
18: casefold(§) | 18: crc32(§::bytea) | 17: json_scalar(§) | 17: json_value(to_jsonb(§), '$') | 17: json_query(jsonb_build_array(§), '$[0]') | 16: json_object('k': §) | 16: json_array(§) | 16: json_object('k': § absent on null) | 17: json_serialize(json_scalar(§)) | 17: json_exists(to_jsonb(§), '$ ? (@ == "x")')
`

const aggregates = `
~count(§) | ~count(distinct §) | ~count(*) filter (where § like 'q%') | min(§) | max(§) | string_agg(§, ',') | string_agg(§, ',' order by p.id) | string_agg(p.name, §) | array_agg(§) | array_agg(§ order by §) | array_agg(distinct §) | (array_agg(§))[1] | json_agg(§) | jsonb_agg(§) | json_object_agg(p.id, §) | jsonb_object_agg(§, p.id)
xmlagg(xmlelement(name x, §)) | bool_and(§ like 'q%') | bool_or(§ < 'm') | every(§ > 'm') | max(length(§)) | sum(ascii(§)) | avg(length(§)) | min(§) filter (where p.id > 1) | max(§) || '!' | upper(min(§)) | array_agg(row(§)) | max(array[§])
percentile_disc(0.5) within group (order by §) | mode() within group (order by §) | coalesce(max(§), 'x') | case when max(§) > 'm' then 1 else 0 end | gather(§) | string_agg(left(§, 8), '') | json_agg(json_build_object('k', §)) | bit_xor(ascii(§)) | stddev(length(§))
16: any_value(§) | 16: json_arrayagg(§) | 16: json_objectagg('k': §)
`

const windows = `
max(§) over () | min(§) over (order by p.id) | first_value(§) over (order by p.id) | last_value(§) over (order by p.id) | lag(§) over (order by p.id) | lead(§) over (order by p.id) | lag(p.id::text, 1, §) over (order by p.id) | nth_value(§, 2) over (order by p.id range between unbounded preceding and unbounded following)
string_agg(§, ',') over (order by p.id) | array_agg(§) over () | json_agg(§) over () | max(§) over w | rank() over (order by §) | dense_rank() over (order by §) | row_number() over (partition by left(§, 1) order by p.id) | ntile(2) over (order by §) | cume_dist() over (order by §) | percent_rank() over (order by § desc) | sum(p.id) over (order by §) | max(§) filter (where p.id > 1) over ()
`

const sets = `
unnest(array[§]) | unnest(array[§]) || '!' | regexp_split_to_table(§, '~') | string_to_table(§, '~') | regexp_matches(§, '.*') | jsonb_array_elements(jsonb_build_array(§)) | jsonb_array_elements_text(jsonb_build_array(§)) | jsonb_each_text(jsonb_build_object('k', §)) | jsonb_object_keys(jsonb_build_object(§, 1)) | jsonb_path_query(to_jsonb(§), '$') | generate_series(1, length(§)) | unnest(string_to_array(§, null)) | json_array_elements_text(json_build_array(§)) | (jsonb_each(jsonb_build_object('k', §))).value | generate_subscripts(string_to_array(§, 'z'), 1) | (unnest(to_tsvector('simple', §))).lexeme
`

// For columns of other types: what fits them only.
const typed: Readonly<Record<string, string>> = {
  email: `§ | §::text | split_part(§, '@', 1) | left(§, 8) | § || '' | upper(§)`,
  code: `§ | §::text | § || '' | upper(§) | left(§, 8) | trim(§)`,
  dom: `§ | §::text | §::word | lower(§) | coalesce(§, 'x') | array[§]`,
  pay: `§ | §::text | § + 0 | § * 1.0 | -§ | abs(§) | round(§) | trunc(§ / 100) | §::int8 | §::float8 | sqrt(§) | to_char(§, 'FM9999999999999999') | to_char(§, 'FM9G999G999G999G999G999D99') | § > 5e15 | sign(§ - 5e15) | width_bucket(§, 0, 1e16, 100) | greatest(§, 0) | array[§] | to_jsonb(§) | row(§) | format('%s', §) | § % 1000 | div(§, 1000) | coalesce(§, 0) | numeric_send(§) | least(§, 1e18) | (select § + 1) | § between 1 and 5e15 | ln(§) | §::text::bytea | scale(§) | factorial((§ % 5)::int8)`,
  account: `§ | §::text | § + 0 | § # 0 | to_hex(§) | § & 65535 | § >> 8 | §::bit(64) | int8send(§) | §::numeric | §::float8 | mod(§, 1000) | § > 5000000000000000 | (§::bit(64))::text | chr((§ % 26)::int + 65) | interval '1 second' * (§ / 1000000) | to_timestamp(§ / 1000000)`,
  score: `§ | §::text | § * 2 | § + 0 | float8send(§) | §::numeric | §::int8 | floor(§) | ln(§) | § > 5e15 | log(§) | power(§, 0.5)`,
  born: `§ | §::text | § + 1 | § - date '2000-01-01' | extract(year from §) | date_part('doy', §) | to_char(§, 'YYYYMMDD') | to_char(§, 'Day') | date_trunc('month', §) | age(date '2026-01-01', §) | §::timestamp | § < '1950-01-01' | daterange(§, null) | (§, § + 1) overlaps (date '1940-01-01', date '1950-01-01') | to_jsonb(§) | § + time '10:00' | date_send(§) | make_date(extract(year from §)::int, 1, 1) | generate_series(§, §, interval '1 day') | date_bin('1 day', §, '2000-01-01')`,
  seen: `§ | §::text | §::date | §::time | extract(epoch from §) | to_char(§, 'YYYY-MM-DD HH24:MI:SS.US') | § at time zone 'UTC' | § - timestamptz '2000-01-01' | date_trunc('year', §) | § > '1950-01-01' | timestamptz_send(§)`,
  uid: `§ | §::text | uuid_send(§) | replace(§::text, '-', '') | encode(uuid_send(§), 'base64') | left(§::text, 9) | § < '80000000-0000-4000-8000-000000000000' | uuid_hash(§)`,
  photo: `§ | §::text | encode(§, 'hex') | encode(§, 'base64') | encode(§, 'escape') | md5(§) | sha256(§) | convert_from(§, 'UTF8') | get_byte(§, 0) | substring(§ from 2 for 8) | length(§) | § || '\\x00' | § > '\\x70' | set_byte(§, 0, 65) | overlay(§ placing '\\x00' from 1) | trim(leading '\\x00' from §)`,
  doc: `§ | § -> 'k' | § ->> 'k' | § #> '{k}' | § #>> '{k}' | §['k'] | §::text | §::json | jsonb_pretty(§) | § @> '{"k": "x"}' | § ? 'k' | jsonb_strip_nulls(§) | § - 'z' | § || '{"a": 1}' | jsonb_path_query_first(§, '$.k') | jsonb_path_query_array(§, '$.*') | jsonb_path_exists(§, '$ ? (@.k starts with "q")') | § @@ '$.k == "x"' | jsonb_each_text(§) | (jsonb_each(§)).value | jsonb_path_query(§, '$.**') | jsonb_extract_path_text(§, 'k') | jsonb_send(§) | jsonb_build_array(§) | upper(§ ->> 'k') | jsonb_typeof(§ -> 'k') | jsonb_set(§, '{z}', '1') | jsonb_array_length(jsonb_build_array(§)) | to_tsvector('simple', §) | md5(§::text)`,
  raw: `§ | § -> 'k' | § ->> 'k' | § #>> '{k}' | §::text | §::jsonb | json_each_text(§) | json_typeof(§ -> 'k') | json_extract_path_text(§, 'k') | json_strip_nulls(§) | to_tsvector('simple', §)`,
  tags: `§ | §[1] | §[1:1] | §::text | array_to_string(§, ',') | unnest(§) | cardinality(§) | 'x' = any(§) | § || array['x'] | array_cat(§, §) | array_position(§, 'x') | to_jsonb(§) | array_replace(§, 'x', 'y') | § && array['x'] | § @> array['x'] | array_remove(§, 'x') | json_build_array(variadic §) | concat(variadic §) | array_upper(§, 1) | upper(§[1]) | (select max(x) from unnest(§) x) | array(select left(x, 8) from unnest(§) x) | 18: array_reverse(§) | 18: array_sort(§)`,
  home: `§ | (§).street | (§).* | §::text | row_to_json(§) | to_jsonb(§) ->> 'street' | left((§).street, 8) | § = row('a', 'b')::address | (select (§).street) | record_send(§) | § is null | to_jsonb(§) | array[§] | (array[§])[1].street`,
  grade: `§ | §::text | § > 'common' | enum_send(§) | array[§] | enum_range('common', §) | upper(§::text) | § = 'common' | to_jsonb(§)`,
  markup: `§ | §::text | xpath('/a/text()', §) | (xpath('/a/text()', §))[1]::text | xmlserialize(content § as text) | xpath_exists('/a[starts-with(., "q")]', §) | xmlconcat(§, §) | xmlelement(name b, §) | § is document | xml_send(§)`,
  span: `§ | lower(§) | §::text | lower(§) + 0 | range_merge(§, §) | § * § | § @> 5::int8 | isempty(§) | int8multirange(§) | upper_inf(§) | lower(§)::text | unnest(int8multirange(§))`,
  tsv: `§ | §::text | tsvector_to_array(§) | strip(§) | length(§) | (unnest(§)).lexeme | § @@ 'x'::tsquery | setweight(§, 'A') | tsvectorsend(§) | § || § | ts_rank(§, 'x'::tsquery) | unnest(§)`,
}

function parse(on: string, kind: ExpressionKind, list: string): Expression[] {
  return list
    .split(/\n|(?<= )\|(?= )/)
    .map(each => each.trim())
    .filter(each => each !== '')
    .map(each => {
      const [, since = '0', probe, sql = ''] = /^(?:(\d\d): )?(~)?(.*)$/.exec(each) ?? []
      return {
        sql,
        kind: sqlKind(sql, kind),
        on,
        since: Number(since),
        probes: probe !== undefined,
      }
    })
}

/** Some of the typed ones return many rows. */
function sqlKind(sql: string, kind: ExpressionKind): ExpressionKind {
  if (kind !== 'scalar') return kind
  const many = /^\(?(unnest|generate_series|jsonb?_each(_text)?|jsonb_path_query)\(/
  return many.test(sql) ? 'set' : kind
}

export const expressions: readonly Expression[] = [
  ...parse('ssn', 'scalar', scalar),
  ...parse('ssn', 'aggregate', aggregates),
  ...parse('ssn', 'window', windows),
  ...parse('ssn', 'set', sets),
  ...Object.entries(typed).flatMap(([on, list]) => parse(on, 'scalar', list)),
]

/** The SQL of one over a column. */
export function write(sql: string, column: string): string {
  return sql.replaceAll('§', column)
}
