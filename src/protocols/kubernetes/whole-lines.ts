// A log that the client asked to be cut somewhere (`limitBytes`): a part of a value is nothing that a detector knows, so what it
// cuts is not sent.
import { Buffer } from 'node:buffer'
import type { BodyMasker } from '#engines/bodies'

const NEW_LINE = 0x0a
/** Of a line without an end, so much is kept back: more than any value takes. */
const MOST_HELD = 4096

/** What a body has behind its last line is not read by `masker`, and not sent. */
export function wholeLines(masker: BodyMasker): BodyMasker {
  let held: Uint8Array = new Uint8Array(0)
  return {
    get contentType() {
      return masker.contentType
    },
    get found() {
      return masker.found
    },
    write(chunk) {
      const all = Buffer.concat([held, chunk])
      const end = Math.max(all.lastIndexOf(NEW_LINE) + 1, all.length - MOST_HELD)
      held = all.subarray(end)
      return end === 0 ? [] : masker.write(all.subarray(0, end))
    },
    end: () => masker.end(),
    abort: () => masker.abort(),
  }
}
