// Text without fields: what detectors find goes. A value that is cut by a chunk is held with its line.
import { clearStream, createTextStream, type Scanner, type TextStream } from '#engines/masking'
import { BodyProblem, type BodyReader } from './body.ts'

export class TextBody implements BodyReader {
  readonly #text: TextStream

  constructor(scan: Scanner | undefined) {
    this.#text = scan === undefined ? clearStream : createTextStream(scan)
  }

  write(chunk: Uint8Array): Uint8Array[] {
    // No text that detectors can read holds one: it is UTF-16 that does not say so, or no text.
    if (chunk.includes(0)) throw new BodyProblem('encoding', 'It is not a text: it holds a NUL.')
    return some(this.#text.write(chunk))
  }

  end(): Uint8Array[] {
    return some(this.#text.flush())
  }
}

function some(bytes: Uint8Array): Uint8Array[] {
  return bytes.length === 0 ? [] : [bytes]
}
