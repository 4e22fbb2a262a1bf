// Reads what EXPLAIN (FORMAT JSON) answers: how many rows a statement would return or change. The server that wrote
// it is not trusted: whatever does not fit is "not known". Pure.

/** A plan of a partitioned table may be long, but nobody nests so deep by hand. */
const MOST_NODES = 20_000

export interface Estimate {
  readonly rows: number
  readonly effect: 'changes' | 'returns'
}

type Tree = Readonly<Record<string, unknown>>

/** Undefined when the text is not what EXPLAIN answers. */
export function readEstimate(json: string): Estimate | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(json)
  } catch {
    return undefined // safe: an estimate that cannot be read is not known
  }
  const top = Array.isArray(answer) && isTree(answer[0]) ? answer[0]['Plan'] : undefined
  if (!isTree(top)) return undefined
  let changed: number | undefined
  const left: Tree[] = [top]
  for (let seen = 0; left.length > 0; seen += 1) {
    if (seen > MOST_NODES) return undefined
    const node = left.pop() as Tree
    const children = childrenOf(node)
    if (node['Node Type'] === 'ModifyTable') {
      // Its own rows are those of RETURNING: what it changes comes from below (before 14 from several below).
      for (const child of children) {
        const role = child['Parent Relationship']
        if (role !== 'Outer' && role !== 'Member') continue
        const rows = rowsOf(child)
        if (rows === undefined) return undefined
        changed = (changed ?? 0) + rows
      }
    }
    for (const child of children) left.push(child)
  }
  if (changed !== undefined) return { rows: changed, effect: 'changes' }
  const rows = rowsOf(top)
  return rows === undefined ? undefined : { rows, effect: 'returns' }
}

function childrenOf(node: Tree): readonly Tree[] {
  const plans = node['Plans']
  return Array.isArray(plans) ? plans.filter(isTree) : []
}

function rowsOf(node: Tree): number | undefined {
  const rows = node['Plan Rows']
  return typeof rows === 'number' && Number.isFinite(rows) && rows >= 0
    ? Math.round(rows)
    : undefined
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
