// Reads a body as far as it may be held: whole when it ends by then, else what follows goes on from where it was read.
import { Buffer } from 'node:buffer'
import { UpstreamError } from '#model'
import { Body } from '#transport/http'

/** Of an answer that is told as ours. */
const REFUSAL_MS = 5_000
const MOST_REFUSAL = 8_192

export type BodyStart =
  | { readonly bytes: Buffer }
  /** It begins with what was read. */
  | { readonly rest: Body }

/** Rejects with what cut it short. `taking` hears of bytes that will be held, and throws when they must not be. */
export function readUpTo(
  body: Body,
  most: number,
  taking: (bytes: number) => void = () => {},
): Promise<BodyStart> {
  return new Promise((resolve, reject) => {
    const read: Uint8Array[] = []
    let size = 0
    let rest: Body | undefined
    let refused = false
    body.read({
      data(chunk) {
        if (rest !== undefined) return rest.push(chunk)
        if (refused) return true
        try {
          taking(chunk.length)
        } catch (error) {
          // Not passed over: whoever reads is told, and nothing of it is kept.
          refused = true
          read.length = 0
          reject(error)
          body.cancel(error instanceof Error ? error : new Error('not held'))
          return true
        }
        read.push(chunk)
        size += chunk.length
        if (size <= most) return true
        rest = new Body({
          pause: () => body.pause(),
          resume: () => body.resume(),
          cancel: () => body.cancel(new UpstreamError('upstream_lost', 'nobody wants the rest')),
        })
        for (const each of read.splice(0)) rest.push(each)
        resolve({ rest })
        return false
      },
      end(trailers) {
        if (rest !== undefined) rest.finish(trailers)
        else resolve({ bytes: Buffer.concat(read, size) })
      },
      fail(error) {
        if (rest !== undefined) rest.fail(error)
        else reject(error)
      },
    })
  })
}

/** What a refusal of the upstream's says. Never rejects; undefined: it is too long or too slow, or was cut. */
export function readRefusal(body: Body): Promise<Uint8Array | undefined> {
  const late = () => new UpstreamError('upstream_lost', 'a refusal that is too long, or too slow')
  const timer = setTimeout(() => body.cancel(late()), REFUSAL_MS)
  return (
    body
      .collect(MOST_REFUSAL, late)
      // Safe: it is told all the same, without its words.
      .catch(() => undefined)
      .then(read => {
        clearTimeout(timer)
        return read?.bytes
      })
  )
}
