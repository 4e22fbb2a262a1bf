// docs/mysql-metadata.md says what a real server says.
import { expect, it } from 'vitest'
import { linesInPage, linesOf, measure } from './mysql-metadata.ts'

it('column definitions say of each shape what the page has', async () => {
  expect(linesOf(await measure())).toEqual(await linesInPage())
})
