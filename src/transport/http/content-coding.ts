// Content codings (RFC 9110 section 8.4.1) taken off a body on its way: what reads it reads what it stands for.

import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { UpstreamError } from '#model'
import { Body } from './body.ts'
import type { Fields } from './fields.ts'

/** How much may come out of how little. */
export interface CodingLimits {
  /** Bytes that may always come out. */
  readonly freeBytes: number
  /** Beyond these: how many for each that came. */
  readonly ratio: number
}

export const defaultCodingLimits: CodingLimits = { freeBytes: 8 * 1024 * 1024, ratio: 200 }

/** One on another is seen; more is an attack. */
const MOST_CODINGS = 2
/** RFC 9659: no more than 8 MiB are kept for one body. */
const ZSTD_WINDOW_LOG = 23
const CHUNK = 32 * 1024

type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'
const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'br',
  zstd: 'zstd',
}

/** What `Content-Encoding` names, in the order it was put on; undefined: it names what nobody here takes off. */
export function contentCodings(fields: Fields): readonly Coding[] | undefined {
  const codings: Coding[] = []
  for (const each of fields.list('content-encoding')) {
    const name = each.toLowerCase()
    if (name === 'identity') continue
    const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined
    if (coding === undefined) return undefined
    codings.push(coding)
  }
  return codings.length > MOST_CODINGS ? undefined : codings
}

/** The body without its codings. It fails when they do not hold, when it ends early, and when too much comes out. */
export function decodeContent(
  body: Body,
  codings: readonly Coding[],
  limits: CodingLimits = defaultCodingLimits,
): Body {
  return codings.toReversed().reduce((inner, coding) => decoded(inner, coding, limits), body)
}

function decoded(source: Body, coding: Coding, { freeBytes, ratio }: CodingLimits): Body {
  let decoder: Transform | undefined
  let trailers: Fields | undefined
  let began = false
  let [came, went] = [0, 0]
  /** The first bytes, until they tell which kind of `deflate` it is. */
  let head: Uint8Array = new Uint8Array(0)

  const out = new Body({
    pause: () => {
      if (decoder === undefined) source.pause()
      else decoder.pause()
    },
    resume: () => {
      if (!began) begin()
      else if (decoder === undefined) source.resume()
      else decoder.resume()
    },
    cancel: () => {
      source.cancel(new Error('nobody wants the rest'))
      decoder?.destroy()
    },
  })
  function fail(error: Error): void {
    out.fail(error)
    source.cancel(error)
    decoder?.destroy()
  }
  function open(made: Transform): Transform {
    decoder = made
    made.on('data', (chunk: Uint8Array) => {
      went += chunk.length
      if (went > freeBytes && went > came * ratio)
        fail(refused('the body grows too much when it is decoded'))
      else if (!out.push(chunk)) made.pause()
    })
    made.on('drain', () => source.resume())
    made.on('end', () => out.finish(trailers))
    made.on('error', cause => fail(refused('the body is not coded as it says', cause)))
    return made
  }
  function begin(): void {
    began = true
    source.read({
      data(chunk) {
        came += chunk.length
        let bytes = chunk
        if (decoder === undefined && coding === 'deflate') {
          bytes = head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
          if (bytes.length < 2) return true
        }
        return (decoder ?? open(decoderOf(coding, bytes))).write(bytes)
      },
      end(last) {
        trailers = last
        // Nothing at all is nothing, whatever it says it is coded with.
        if (came === 0) out.finish(last)
        else (decoder ?? open(decoderOf(coding, head))).end()
      },
      fail,
    })
  }
  return out
}

function refused(message: string, cause?: Error): UpstreamError {
  return new UpstreamError('upstream_refused', message, cause === undefined ? {} : { cause })
}

function decoderOf(coding: Coding, first: Uint8Array): Transform {
  const options = { chunkSize: CHUNK }
  switch (coding) {
    case 'gzip':
      return createGunzip(options)
    case 'deflate':
      return hasZlibHead(first) ? createInflate(options) : createInflateRaw(options)
    case 'br':
      return createBrotliDecompress(options)
    case 'zstd':
      return createZstdDecompress({
        ...options,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      })
  }
}

/** RFC 1950 section 2.2; some send deflate without it. */
function hasZlibHead(first: Uint8Array): boolean {
  const [method = 0, flags = 0] = first
  return first.length >= 2 && (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0
}
