import { expect, test } from 'vitest'
import { lengthAt } from './feed.ts'

test('a length with its sign bit set is a huge number, never a negative one', () => {
  expect(lengthAt(Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]), 0)).toBe(0xffffffff)
})
