// Where the columns of a view, or a generated column, come from, as the server itself recorded it in the view's rule: each entry of the
// target list names the table and column that it shows plainly. Reads pg_rewrite.ev_action (a node tree as
// text); what it does not recognise it does not answer, and the caller then assumes the worst.

export type ViewColumn =
  /** Shows this column of another relation unchanged. */
  | { readonly kind: 'plain'; readonly oid: number; readonly attnum: number }
  /** An expression over columns. */
  | { readonly kind: 'computed' }
  /** No column and no sub-query in it: a constant, count(*). */
  | { readonly kind: 'constant' }

export interface ViewColumns {
  /** By the view's attribute number. */
  readonly columns: ReadonlyMap<number, ViewColumn>
  /** A whole row is used somewhere: pg_depend does not name its columns then. */
  readonly wholeRow: boolean
  /** Some function in it may read anything. */
  readonly opaque: boolean
}

const QUERY = '({QUERY '
const TARGETS = ':targetList ('

/** `isOpaque`: true for a function that may read anything. Undefined when the text is no view's rule. */
export function readViewColumns(
  tree: string,
  isOpaque: (functionOid: number) => boolean,
): ViewColumns | undefined {
  if (!tree.startsWith(QUERY)) return undefined
  const start = topLevelTargets(tree)
  if (start === undefined) return undefined
  const columns = new Map<number, ViewColumn>()
  let at = start
  while (tree.startsWith('{TARGETENTRY ', at)) {
    const end = closing(tree, at)
    if (end === undefined) return undefined
    const entry = readEntry(tree, at, end, isOpaque)
    if (entry === undefined) return undefined
    if (entry.column !== undefined) columns.set(entry.resno, entry.column)
    at = end + 1
    if (tree[at] === ' ') at += 1
  }
  if (tree[at] !== ')' || columns.size === 0) return undefined
  return {
    columns,
    wholeRow: /\{VAR :varno \S+ :varattno 0 /.test(tree),
    opaque: callsAny(tree, isOpaque),
  }
}

/** The attribute numbers of its own table that a generated column's expression reads; `all` when that cannot be told. */
export function readGenerated(
  tree: string,
  isOpaque: (functionOid: number) => boolean,
): readonly number[] | 'all' {
  if (callsAny(tree, isOpaque)) return 'all'
  const numbers = [...tree.matchAll(/\{VAR :varno \S+ :varattno (-?\d+) /g)].map(found =>
    Number(found[1]),
  )
  return numbers.includes(0) ? 'all' : [...new Set(numbers)]
}

function callsAny(tree: string, isOpaque: (functionOid: number) => boolean): boolean {
  for (const [, oid] of tree.matchAll(/:(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+) /g)) {
    if (isOpaque(Number(oid))) return true
  }
  return false
}

/** The position after `:targetList (` of the outermost query. */
function topLevelTargets(tree: string): number | undefined {
  let depth = 0
  for (let at = 1; at < tree.length; at += 1) {
    const character = tree.charCodeAt(at)
    if (character === 0x5c) at += 1
    else if (character === 0x7b) depth += 1
    else if (character === 0x7d) depth -= 1
    else if (character === 0x3a && depth === 1 && tree.startsWith(TARGETS, at)) {
      return at + TARGETS.length
    }
  }
  return undefined
}

/** The position of the brace that closes the one at `open`. In the text, braces of names carry a backslash. */
function closing(tree: string, open: number): number | undefined {
  let depth = 0
  for (let at = open; at < tree.length; at += 1) {
    const character = tree.charCodeAt(at)
    if (character === 0x5c) at += 1
    else if (character === 0x7b) depth += 1
    else if (character === 0x7d) {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return undefined
}

function readEntry(
  tree: string,
  open: number,
  end: number,
  isOpaque: (functionOid: number) => boolean,
): { resno: number; column: ViewColumn | undefined } | undefined {
  // `{TARGETENTRY :expr {...} :resno 1 :resname id ... }`: the fields stand behind the expression.
  const expression = tree.indexOf('{', open + 1)
  const expressionEnd =
    expression === -1 || expression > end ? undefined : closing(tree, expression)
  if (expressionEnd === undefined || expressionEnd >= end) return undefined
  const fields = tree.slice(expressionEnd + 1, end)
  const form =
    /^ :resno (\d+) :resname .* :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (-?\d+) :resjunk (true|false)$/s.exec(
      fields,
    )
  if (form === null) return undefined
  const resno = Number(form[1])
  const [oid, attnum] = [Number(form[2]), Number(form[3])]
  if (form[4] === 'true') return { resno, column: undefined }
  if (oid !== 0 && attnum > 0) return { resno, column: { kind: 'plain', oid, attnum } }
  const body = tree.slice(expression, expressionEnd)
  const constant =
    oid === 0 &&
    !/\{(VAR|SUBLINK|SUBPLAN|PARAM|PLACEHOLDERVAR) /.test(body) &&
    !callsAny(body, isOpaque)
  return { resno, column: { kind: constant ? 'constant' : 'computed' } }
}
