// Runs of operator characters that make PostgreSQL's scanner go over the same text again and again: at each operator
// and each `/*` it takes all of the run, and gives back what is not its own. A text of a megabyte would take minutes.
import { MARK, tokensOf } from './tokens.ts'

/** An operator has 63 characters at most. */
const LONGEST = 128
/** How often a comment may begin in one run. */
const MOST_OPENINGS = 64

const operatorCharacters = new Uint8Array(128)
for (const each of '~!@#^&|`?+-*/%<>=') operatorCharacters[each.charCodeAt(0)] = 1

/** Strings may hold whatever they like, and comments may be framed by lines. */
export function hasCostlyRun(text: string): boolean {
  const runs = longRuns(text)
  if (runs.length === 0) return false
  const tokens = tokensOf(text)
  if (tokens === undefined) return true
  let at = 0
  for (const [start, end] of runs) {
    while (at < tokens.count && tokens.end(at) <= start) at++
    const inComment = at >= tokens.count || tokens.start(at) >= end
    if (inComment ? opensOften(text, start, end) : tokens.kind(at) === MARK) return true
  }
  return false
}

function longRuns(text: string): (readonly [start: number, end: number])[] {
  const runs: (readonly [number, number])[] = []
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0
    if (code < 128 && operatorCharacters[code] === 1) continue
    if (at - start > LONGEST) runs.push([start, at])
    start = at + 1
  }
  return runs
}

function opensOften(text: string, start: number, end: number): boolean {
  let count = 0
  for (let at = text.indexOf('/*', start); at !== -1 && at < end; at = text.indexOf('/*', at + 2)) {
    if (++count > MOST_OPENINGS) return true
  }
  return false
}
