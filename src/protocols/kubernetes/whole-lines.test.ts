import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import type { BodyMasker } from '#engines/bodies'
import { wholeLines } from './whole-lines.ts'

/** What goes on of these chunks. */
function sent(...chunks: readonly string[]): string {
  const passing: BodyMasker = {
    contentType: undefined,
    found: new Map(),
    write: chunk => [new Uint8Array(chunk)],
    end: () => [Buffer.from('.')],
    abort() {},
  }
  const masker = wholeLines(passing)
  const out = chunks.flatMap(chunk => masker.write(Buffer.from(chunk)))
  return Buffer.concat([...out, ...masker.end()]).toString()
}

it('sends whole lines, however they come', () => {
  const text = 'one\ntwo\n\nthree\n'
  expect(sent(text)).toBe(`${text}.`)
  expect(sent(...text)).toBe(`${text}.`)
  expect(sent('one\ntw', 'o\nthr')).toBe('one\ntwo\n.')
  expect(sent('cut')).toBe('.')
  expect(sent()).toBe('.')
})

it('holds no more of a line without an end than a value could take', () => {
  const out = sent('x'.repeat(10_000), 'y'.repeat(1_000))
  expect(out.length).toBe(11_000 - 4096 + 1)
})
