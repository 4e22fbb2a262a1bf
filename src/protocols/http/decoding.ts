// Bodies whose content is encoded, as what they stand for: only where somebody here must read them. Streaming, and bounded:
// what grows beyond measure is cut short.
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'
import { UpstreamError } from '#model'
import { Body, type Fields } from '#transport/http'

/** Before the ratio counts. */
const FREE_BYTES = 16 * 1024 * 1024
/** Texts of real services stay far below. */
const MOST_RATIO = 200
/** Of one answer. */
const MOST_BYTES = 1024 * 1024 * 1024

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const
type Encoding = keyof typeof decoders

/** The one encoding that is to be undone; `none`: it is as it is; undefined: nobody here can. */
export function encodingOf(fields: Fields): Encoding | 'none' | undefined {
  const names = fields
    .list('content-encoding')
    .map(each => each.toLowerCase())
    .filter(each => each !== 'identity')
  const [name, another] = names
  if (name === undefined) return 'none'
  if (another !== undefined || !Object.hasOwn(decoders, name)) return undefined
  return name as Encoding
}

export function decoded(body: Body, encoding: Encoding): Body {
  const decoder = decoders[encoding]()
  let [came, went] = [0, 0]
  const out = new Body({
    pause: () => decoder.pause(),
    resume: () => decoder.resume(),
    cancel: () => end(new UpstreamError('upstream_lost', 'nobody wants the rest')),
  })
  function end(error: Error): void {
    decoder.destroy()
    body.cancel(error)
    out.fail(error)
  }
  decoder.on('data', (chunk: Buffer) => {
    went += chunk.length
    if (went > MOST_BYTES || (went > FREE_BYTES && went > came * MOST_RATIO))
      end(new UpstreamError('upstream_refused', 'the answer grows too much when it is decoded'))
    else out.push(chunk)
  })
  decoder.on('drain', () => body.resume())
  decoder.once('end', () => out.finish())
  // A body that is not what it says: nothing more of it may be taken for whole.
  decoder.on('error', cause =>
    end(new UpstreamError('upstream_refused', 'the answer is not encoded as it says', { cause })),
  )
  body.read({
    data(chunk) {
      came += chunk.length
      return decoder.write(chunk)
    },
    end: () => void decoder.end(),
    fail: end,
  })
  return out
}
