// Heads of answers by their bytes: the same bytes give the same object, so that what was made of it can be kept by it.
// Services answer the same requests alike, all but the second in `Date`.
import type { HttpLimits } from './limits.ts'
import { type ReadResponse, readResponseHead } from './response-head.ts'

const MOST_KNOWN = 64
const MOST_CHARACTERS = 2_048

export class KnownResponses {
  readonly #known = new Map<string, ReadResponse>()

  /** `text` is latin1, without the empty line that ends it. Throws HttpRefusal. */
  read(text: string, method: string, limits: HttpLimits): ReadResponse {
    // What follows the head of an answer to HEAD is another matter.
    if (method === 'HEAD' || text.length > MOST_CHARACTERS)
      return readResponseHead(text, method, limits)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const read = readResponseHead(text, method, limits)
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(text, read)
    return read
  }
}
