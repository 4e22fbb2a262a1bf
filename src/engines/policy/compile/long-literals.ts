// Integers beyond 2^53 in policy texts. The library hands its JSON form over through JavaScript's own
// JSON.parse, which rounds them: `9223372036854775807` would silently become another number. They travel as
// calls of `decimal` on a marked text instead, which `expression.ts` turns back into the exact integer.
// The text that is parsed, checked and hashed is the original: only the conversion sees this one.
import { tokens } from '../tokens.ts'

/** What a marked integer starts with. Not a decimal, so no policy that passes the checker can hold it. */
export const LONG_MARK = 'sallyport-long:'

export function markLongs(text: string): string {
  let marked = ''
  let at = 0
  for (const token of tokens(text)) {
    if (token.kind !== 'number' || Number.isSafeInteger(Number(token.text))) continue
    marked += `${text.slice(at, token.start)}decimal("${LONG_MARK}${BigInt(token.text)}")`
    at = token.end
  }
  return marked + text.slice(at)
}
