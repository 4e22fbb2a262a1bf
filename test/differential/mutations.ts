// Texts that are nearly SQL: tokens of real statements dropped, doubled, exchanged, and what scanners trip over put
// between them.
import type { Random } from './random.ts'

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\w*\$|--[^\n]*\n?|\/\*|\*\/|\w+|\s+|[\s\S]/g

/** What one scanner reads otherwise than another: quotes, comments, escapes, blanks that may be none. */
export const SOUP: readonly string[] = [
  ...` ; ;; ' '' ''' " "" \\ \\' $$ $a$ $1 $0 $99999999999 -- /* */ /**/ /*/*/ --* ( ) [ ] { } , . .. ... : :: := = => <> !=
  + - * / % ^ < > <= >= | || & # ~ @ ? ! E' e' U&' U&" u&' B'1' x'g' X'1F' N'a' 1 1. .1 1.e 1e 1e5 0x 0x1F 0b1 0o7 1_000 1__0
  123abc 1.5.5 UESCAPE null true select from where with as delete update insert into values drop table set commit
  rollback begin end do copy explain analyze prepare execute union all lateral returning not in like is and or case when then
  else array row any some exists over filter within group order by limit for only customers orders a b c id
  pg_catalog public f_pure count current_user system_user merge using matched json format overlaps collate at time zone
  interval '1' cast operator(+) variadic default grouping sets cube rollup distinct natural join cross left full
  window partition range rows between preceding tablesample ordinality xmltable json_table passing columns path
  nulls first last without ties fetch next cycle search depth breadth recursive materialized conflict nothing`.split(
    /\s+/,
  ),
  '\n',
  '\r',
  '\t',
  '\f',
  '\v',
  '\b',
  '\u0001',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u1680',
  '\u2003',
  '\u2028',
  '\u200b',
  '\ufeff',
  '\u202e',
  '\uff1b',
  '\uff07',
  'ſelect',
  'İ',
  'é',
  '名前',
  '😀',
  '\u0301',
  "'a'\n'b'",
  "'a'\r'b'",
  "'a' -- x\n'b'",
  "e'a\\'b'",
  "e'\\u0041\\x41\\101\\",
  'U&"\\0061" uescape \'!\'',
  'a$b$c',
  '$é$x$é$',
  `"${'x'.repeat(70)}"`,
  'x'.repeat(70),
  '-- comment',
  '/* open',
]

export function mutate(random: Random, text: string): string {
  const tokens = text.match(TOKEN) ?? []
  const times = random.of([1, 1, 1, 2, 3])
  for (let time = 0; time < times; time += 1) change(random, tokens)
  return tokens.join('')
}

function change(random: Random, tokens: string[]): void {
  const at = random.below(tokens.length + 1)
  const other = random.below(tokens.length)
  switch (random.below(7)) {
    case 0:
      tokens.splice(at, 1)
      return
    case 1:
      tokens.splice(at, 0, tokens[other] ?? '')
      return
    case 2:
      if (at < tokens.length) tokens[at] = random.of(SOUP)
      return
    case 3: {
      const [one, two] = [tokens[at], tokens[other]]
      if (one !== undefined && two !== undefined) [tokens[at], tokens[other]] = [two, one]
      return
    }
    case 4:
      // Joined to what stands beside it, or apart from it.
      tokens.splice(at, 0, random.of(SOUP))
      return
    case 5:
      tokens.splice(at, 0, ` ${random.of(SOUP)} `)
      return
    default: {
      const token = tokens[at] ?? ''
      const cut = random.below(token.length + 1)
      tokens[at] = token.slice(0, cut) + random.of(SOUP) + token.slice(cut)
    }
  }
}

/** Words of SQL and marks in no order. */
export function soup(random: Random): string {
  const length = 1 + random.below(30)
  return Array.from({ length }, () => random.of(SOUP) + (random.chance(0.7) ? ' ' : '')).join('')
}
