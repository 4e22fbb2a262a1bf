import { describe, expect, it } from 'vitest'
import { lexical, namesOf, objectName, readPath, splitLast } from './paths.ts'

describe('a path', () => {
  it('is text without NUL, and no longer than a host takes', () => {
    expect(readPath(Buffer.from('/srv/ä b'))).toBe('/srv/ä b')
    for (const bytes of [
      Buffer.from('/a\0b'),
      Buffer.from([0x2f, 0xc3, 0x28]),
      Buffer.alloc(4_097, 97),
    ])
      expect(() => readPath(bytes)).toThrow('a path must be UTF-8')
  })

  it('goes through names; slashes and dots are none', () => {
    expect(namesOf('//srv/./app//x/')).toEqual(['srv', 'app', 'x'])
    expect(namesOf('/')).toEqual([])
    expect(() => namesOf('/a'.repeat(129))).toThrow('too deep')
  })

  it('is for the host to follow where something leads up', () => {
    expect(namesOf('/srv/link/../x')).toBeUndefined()
    expect(namesOf('/srv/..x/...')).toEqual(['srv', '..x', '...'])
  })

  it('has a last name of its own, or none', () => {
    expect(splitLast('/srv/app/x//')).toEqual({ folder: '/srv/app', name: 'x' })
    expect(splitLast('/x')).toEqual({ folder: '/', name: 'x' })
    for (const path of ['/', '//', '/srv/..', '/srv/.', '/srv/../'])
      expect(splitLast(path)).toBeUndefined()
  })

  it('is called by policies without its slash, and the root by a name that no file has', () => {
    expect(objectName('/srv/app')).toBe('srv/app')
    expect(objectName('/')).toBe('.')
  })

  it('that does not exist is read by its letters', () => {
    expect(lexical('/srv/x/../../../etc/./p')).toBe('/etc/p')
  })
})
