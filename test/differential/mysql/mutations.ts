// Texts that nobody wrote: statements put together from parts, and listed ones with tokens dropped, doubled, wrapped in
// comments that run and comments that do not, and with what one scanner reads otherwise than another put between them.
import type { Random } from '../random.ts'
import { reads, tricky, writes } from './texts.ts'

const TOKEN =
  /'(?:[^'\\]|''|\\.)*'|"[^"]*"|`[^`]*`|--[^\n]*\n?|#[^\n]*\n?|\/\*|\*\/|\w+|\s+|[\s\S]/g

const SOUP: readonly string[] = [
  ...`; ;; ' '' " "" \` \`\` \\ \\' -- --x # /* */ /**/ /*! /*!50000 /*!100100 /*!101119 /*!101120 /*!99999 /*M! /*M!100000 /*+ /*!*/
  ( ) , . @ @@ := = <=> -> ->> || && ! ~ ? {  } : 0x 0x4 x'41' b'1' n' _latin1' _gbk' 1e 1. .1 1e5 \\N
  select from where delete update insert replace into outfile values set do call handler analyze explain describe prepare execute
  immediate begin not atomic end if then for union all with recursive returning truncate drop table create temporary t u m v s
  f_write() f_pure(1) f_read() f_write (f_write()) nextval(s) id a b ssn other.t scratch.t @v @@sql_mode global session null default
  lock in share mode skip locked procedure analyse() limit 1 rows examined sql_mode 'ANSI_QUOTES' names gbk utf8mb4 character binary
  partition as of system_time window over interval day statement max_statement_time signal signed unsigned`.split(
    /\s+/,
  ),
  '\n',
  '\r',
  '\t',
  '\v',
  '\f',
  '\u0000',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u3000',
  '；',
  '＇',
  '-- x\n',
  '--\n',
  '#\n',
  ' delete from t ',
  '; delete from t;',
  "'; delete from t; -- '",
  ' into outfile "@FILES@/x" ',
]

const expressions = [
  ...['id', 'a', 'b', 'ssn', '1', "'x'", 'null', '@v', '@@sql_mode', 'f_pure(1)', 'f_read()'],
  ...[
    'f_write()',
    '@v := f_write()',
    'nextval(s)',
    'next value for s',
    'lastval(s)',
    'setval(s, 9)',
  ],
  ...['(select max(id) from t)', '(select f_write())', 'if(1, f_write(), 2)', 'scratch.f_write()'],
  ...['count(*)', 'coalesce(a, f_write())', 'case when a then f_write() else 1 end', '`f_write`()'],
  ...[
    'exists (select f_write())',
    'a in (select f_write())',
    "load_file('@FILES@/in')",
    'sleep(0)',
  ],
  ...[
    '/*!50000 f_write() */',
    '/*!99999 f_write(), */ 1',
    '/*M! f_write() */',
    "_gbk'x'",
    '-- x\n 1',
  ],
]

const from = [
  't',
  't, u',
  't join u on u.t_id = t.id',
  'v',
  'other.t',
  '(select f_write() as id) d',
  'v_one',
]

const heads = [
  ...[
    '',
    '',
    '',
    '',
    '',
    'explain ',
    'analyze ',
    'explain format=json ',
    'describe ',
    'explain extended ',
  ],
  ...[
    'set statement max_statement_time = 1 for ',
    'do ',
    '(',
    '/*! ',
    'execute immediate ',
    'begin not atomic ',
  ],
  ...[
    'with c as (select 1) ',
    'create temporary table z as ',
    'insert into log ',
    'prepare p from ',
    '/**/',
    ';',
  ],
]

function made(random: Random): string {
  const one = () => random.of(expressions)
  const where = random.chance(0.4) ? ` where ${one()} = ${one()}` : ''
  const tail = random.chance(0.3)
    ? random.of([
        ...[
          ' limit 1',
          ' order by id',
          ' group by id',
          ' for update',
          ' into @v',
          ' union select f_write()',
        ],
        ...[
          " into outfile '@FILES@/y'",
          ' procedure analyse()',
          ' lock in share mode',
          '; delete from t',
          ')',
        ],
      ])
    : ''
  const body = random.of([
    () => `select ${one()}, ${one()} from ${random.of(from)}${where}${tail}`,
    () => `select ${one()}${tail}`,
    () => `values (${one()})${tail}`,
    () => `delete from t${where}${tail}`,
    () => `update t set a = ${one()}${where}${tail}`,
    () => `insert into t (id) values (${one()})${tail}`,
    () => `replace into t (id) select ${one()}${tail}`,
    () => `set @v = ${one()}`,
    () =>
      `show ${random.of(['tables', 'columns from t', 'index from t', 'variables', 'status'])} where ${one()}`,
    () => `call ${random.of(['p_write', 'p_read'])}()`,
    () => `handler t ${random.of(['open', 'read first', 'close', `read first where ${one()}`])}`,
  ])()
  return `${random.of(heads)}${body}`
}

function changed(random: Random, text: string): string {
  const tokens: string[] = text.match(TOKEN) ?? []
  for (let times = random.of([1, 1, 1, 2, 3]); times > 0; times -= 1) {
    const at = random.below(tokens.length + 1)
    const other = random.below(tokens.length)
    const move = random.below(9)
    if (move === 0) tokens.splice(at, 1)
    else if (move === 1) tokens.splice(at, 0, tokens[other] ?? '')
    else if (move === 2) tokens.splice(at, 1, random.of(SOUP))
    else if (move === 3) tokens.splice(at, 0, random.of(SOUP))
    else if (move === 4) tokens.splice(at, 0, ` ${random.of(SOUP)} `)
    else if (move === 5)
      tokens.splice(
        at,
        0,
        random.of(['/*!50000 ', '/*!99999 ', '/*M! ', '/* ']),
        ...tokens.splice(at, random.below(6)),
        ' */ ',
      )
    else if (move === 6)
      tokens[at] = random.chance(0.5) ? (tokens[at] ?? '').toUpperCase() : `/**/${tokens[at] ?? ''}`
    else if (move === 7) tokens.push('; ', random.of(writes))
    else {
      const token = tokens[at] ?? ''
      const cut = random.below(token.length + 1)
      tokens[at] = token.slice(0, cut) + random.of(SOUP) + token.slice(cut)
    }
  }
  return tokens.join('')
}

/** One text that may do anything but end the server. */
export function anyText(random: Random): string {
  const base = random.of([
    () => made(random),
    () => made(random),
    () => changed(random, made(random)),
    () => changed(random, random.of(reads)),
    () => changed(random, random.of(writes)),
    () => changed(random, random.of(tricky)),
    () => Array.from({ length: random.below(12) }, () => random.of(SOUP)).join(' '),
  ])()
  return base
}
