import { describe, expect, it } from 'vitest'
import { mysqlSettings } from './settings.ts'

describe('localInfile', () => {
  it('is off where nothing is said of it', () => {
    expect(mysqlSettings.parse({ host: 'db' }).localInfile).toBe(false)
    expect(mysqlSettings.parse({ host: 'db', localInfile: true }).localInfile).toBe(true)
  })

  it.each([['yes'], ['true'], [1], [null], [['/srv']]])('is refused in words as %j', value => {
    const { error } = mysqlSettings.safeParse({ host: 'db', localInfile: value })
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['localInfile'], 'must be true or false: whether clients may load files of their own'],
    ])
  })
})
