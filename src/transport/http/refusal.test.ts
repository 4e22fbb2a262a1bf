import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HttpRefusal, httpRules } from './refusal.ts'

it('every rule is documented with its status and its message', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
  const missing = httpRules.filter(rule => {
    const { status, message } = new HttpRefusal(rule)
    return !docs.includes(`| \`${rule}\` | ${status} | ${message} |`)
  })
  expect(missing).toEqual([])
})
