// What differs by design between the gateway and the server itself, as narrowly as it can be said. Each entry is
// explained to users in docs/compatibility.md; whatever is not covered here is a bug.

/**
 * Parts of the files that both sides run without, because the gateway refuses them by design and what follows
 * hangs on them. That they are refused is tested elsewhere (settings, COPY, FunctionCall).
 */
const LEFT_OUT: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  // COPY stays in UTF-8: without its COPY, psql would take the rows that follow for statements.
  copy2: [
    [/ ENCODING 'sql_ascii'/g, ''],
    [/encoding 'sql_ascii'/g, 'freeze off'],
  ],
  // The encoding of a session is UTF-8.
  'collate.windows.win1252': [[/^SET client_encoding TO WIN1252;$/gm, '']],
  // Large objects by psql's own commands are FunctionCall messages, which cannot be decided as statements.
  largeobject: [[/^\\lo_(unlink|import|export).*$/gm, '']],
  // A string literal means the same all through a session.
  plpgsql: [[/^set standard_conforming_strings = off;$/gm, '']],
  strings: [[/^set standard_conforming_strings (=|to) off;$/gim, '']],
}

/** The text of a file as both sides run it. */
export function leaveOut(name: string, text: string): string {
  return (LEFT_OUT[name] ?? []).reduce((left, [what, instead]) => left.replace(what, instead), text)
}

/** Further words of the server's parser, which the parser in the gateway (libpg_query) does not hand out. */
const PARSER_SAYS = [
  '- HINT:  Unicode escapes must be \\XXXX or \\+XXXXXX.',
  '- HINT:  Unicode escapes must be \\uXXXX or \\UXXXXXXXX.',
  '- HINT:  Use NONE to denote the missing argument of a unary operator.',
  '- HINT:  Only PERMISSIVE or RESTRICTIVE policies are supported currently.',
  '- DETAIL:  One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.',
]

export type Reason =
  | 'reason code'
  | 'parser hint'
  | 'row order'
  | 'parser SQLSTATE'
  | 'server numbers'

/** What is by design apart from what is not. */
export function explain(lines: readonly string[]): {
  byDesign: Map<Reason, number>
  left: readonly string[]
} {
  const byDesign = new Map<Reason, number>()
  const count = (reason: Reason, by: number) =>
    by > 0 && byDesign.set(reason, (byDesign.get(reason) ?? 0) + by)
  const unordered = withoutMoved(lines)
  count('row order', lines.length - unordered.length)
  const left = unordered.filter(line => {
    const reason = reasonOf(line)
    if (reason !== undefined) count(reason, 1)
    return reason === undefined
  })
  return { byDesign, left }
}

function reasonOf(line: string): Reason | undefined {
  if (line === '+ DETAIL:  reason: statement_unreadable') return 'reason code'
  return PARSER_SAYS.includes(line) ? 'parser hint' : undefined
}

/** How far a row may move, in lines that differ. */
const NEAR = 40

/**
 * Rows that both sides have, in another order. The gateway reads the catalog after DDL, and its snapshot keeps dead
 * rows from being reused as early as without it: what has no ORDER BY may lie elsewhere.
 */
function withoutMoved(lines: readonly string[]): readonly string[] {
  const gone = new Set<number>()
  lines.forEach((line, at) => {
    if (!line.startsWith('- ') || !isUnordered(line)) return
    const twin = `+${line.slice(1)}`
    for (let near = Math.max(0, at - NEAR); near <= at + NEAR; near += 1) {
      if (gone.has(near) || !isTwin(twin, lines[near])) continue
      gone.add(at).add(near)
      return
    }
  })
  return lines.filter((_, at) => !gone.has(at))
}

const OBJECT_NUMBER = /\b(?:1[6-9]|[2-9]\d)\d{3}\b/g
/** How many numbers the schemas of temporary tables take, which a server makes when a backend first needs them. */
const FEW_NUMBERS = 16

/** Equal, or equal but for the numbers of objects, all of them further by the same few. */
function isTwin(one: string, other: string | undefined): boolean {
  if (other === undefined || one === other) return other !== undefined
  const bare = (line: string) => line.replaceAll(OBJECT_NUMBER, 'n')
  if (bare(one) !== bare(other)) return false
  const numbers = (line: string) => (line.match(OBJECT_NUMBER) ?? []).map(Number)
  const theirs = numbers(other)
  const steps = new Set(numbers(one).map((number, at) => number - (theirs[at] ?? 0)))
  return (
    steps.size === 1 && [...steps].every(step => step % 2 === 0 && Math.abs(step) <= FEW_NUMBERS)
  )
}

/** A row of a table, or what CLUSTER and VACUUM say as they walk over all tables. */
function isUnordered(line: string): boolean {
  return line.includes(' | ') || line.startsWith('- WARNING:  permission denied to ')
}
