// Two outputs of psql, line by line, without what differs between any two runs.

/** Takes out numbers that no two servers share: process ids, OIDs, times, transaction ids. */
export function normal(output: string): string[] {
  return (
    output
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?([+-]\d\d)?/g, 'TIME')
      .replaceAll(
        /\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} \d\d \d\d:\d\d:\d\d\.\d+ 20\d\d P[SD]T/g,
        'TIME',
      )
      .replaceAll(/\bPID \d+/g, 'PID n')
      .replaceAll(/\b(process|Process) \d+/g, 'process n')
      .replaceAll(/pg_(toast_)?temp_\d+/g, 'pg_temp_n')
      .replaceAll(/pg_toast_\d+/g, 'pg_toast_n')
      .replaceAll(/\bOID \d+|oid \d+/g, 'OID n')
      .replaceAll(/(actual time=|Time: |cost=)[\d.]+(\.\.[\d.]+)?/g, '$1n')
      // Pages read by EXPLAIN ANALYZE hang on what other sessions did.
      .replaceAll(/^ +(Planning:|Buffers: [a-z]+ .*)\n/gm, '')
      .split('\n')
  )
}

/** The lines that only one side has, `-` for the first and `+` for the second, by longest common subsequence. */
export function difference(one: readonly string[], other: readonly string[]): string[] {
  let start = 0
  while (start < one.length && one[start] === other[start]) start += 1
  let [end, otherEnd] = [one.length, other.length]
  while (end > start && otherEnd > start && one[end - 1] === other[otherEnd - 1]) {
    end -= 1
    otherEnd -= 1
  }
  return walk(one.slice(start, end), other.slice(start, otherEnd))
}

/** Greedy, with a window: outputs are long, and what differs is short. */
function walk(one: readonly string[], other: readonly string[]): string[] {
  const found: string[] = []
  let [left, right] = [0, 0]
  while (left < one.length || right < other.length) {
    if (left < one.length && one[left] === other[right]) {
      left += 1
      right += 1
      continue
    }
    const [skipLeft, skipRight] = resync(one, other, left, right)
    for (const line of one.slice(left, left + skipLeft)) found.push(`- ${line}`)
    for (const line of other.slice(right, right + skipRight)) found.push(`+ ${line}`)
    left += skipLeft
    right += skipRight
  }
  return found
}

/** The smallest skip after which three lines are equal again. */
function resync(one: readonly string[], other: readonly string[], left: number, right: number) {
  for (let total = 1; total < 400; total += 1) {
    for (let skipLeft = 0; skipLeft <= total; skipLeft += 1) {
      const skipRight = total - skipLeft
      const equal = [0, 1, 2].every(
        ahead => one[left + skipLeft + ahead] === other[right + skipRight + ahead],
      )
      if (equal) return [skipLeft, skipRight] as const
    }
  }
  return [one.length - left, other.length - right] as const
}
