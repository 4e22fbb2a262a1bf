// How large one policy may be. The library parses by recursion in WebAssembly: a text that exhausts its stack
// traps it, and after a trap it answers nothing any more. So such a text must never reach it.
import type { Slice } from './tokens.ts'

/** Measured: brackets alone trap it between 100 and 200 deep, `if` from 800, chains of operators above 800. */
const MOST = 600
const BRACKET = 8
const CLAUSE = 2

const chained = new Set(['.', '+', '-', '*', '!', '=', '<', '>'])

/** True when the library can parse the policy. */
export function isWithinBounds(slice: Slice): boolean {
  let depth = 0
  let deepest = 0
  let chain = 0
  for (const { kind, text } of slice.tokens) {
    if (kind === 'word' && (text === 'if' || text === 'when' || text === 'unless')) chain += CLAUSE
    if (kind !== 'sign') continue
    if ('([{'.includes(text)) deepest = Math.max(deepest, ++depth)
    else if (')]}'.includes(text)) depth--
    else if (text === '&' || text === '|') chain += 0.5
    else if (chained.has(text)) chain += 1
  }
  return deepest * BRACKET + chain <= MOST
}
