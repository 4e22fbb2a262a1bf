import { describe, expect, it } from 'vitest'
import { fileStatement, filesStatement, readStatement } from './statement.ts'

const of = (verb: string, words: string[], ...paths: string[]) =>
  fileStatement({ verb, words, paths }, 'deploy')
const asked = (verb: string, words: string[], ...paths: string[]) =>
  of(verb, words, ...paths)?.operations.map(({ action, object }) => `${action} ${object.name}`)

describe('a file operation', () => {
  it('reads or writes its path, or both', () => {
    expect(asked('OPEN', ['read'], '/srv/a')).toEqual(['read srv/a'])
    expect(asked('OPEN', ['write,create,truncate', 'mode=644'], '/srv/a')).toEqual(['write srv/a'])
    expect(asked('OPEN', ['read,write'], '/srv/a')).toEqual(['read srv/a', 'write srv/a'])
    expect(asked('OPENDIR', [], '/')).toEqual(['read .'])
    expect(asked('MKDIR', [], '/srv')).toEqual(['write srv'])
  })

  it('that brings a file under another name reads it, too', () => {
    for (const verb of ['RENAME', 'POSIX-RENAME', 'HARDLINK'])
      expect(asked(verb, [], '/a', '/b')).toEqual(['read a', 'write a', 'write b'])
    expect(asked('SYMLINK', [], '/a', '/b')).toEqual(['write a', 'write b'])
  })

  it('that is not known, or has not the paths of its kind, is none', () => {
    expect(of('CHROOT', [], '/a')).toBeUndefined()
    expect(of('RENAME', [], '/a')).toBeUndefined()
    expect(of('OPEN', ['create'], '/a')).toBeUndefined()
    expect(of('constructor', [], '/a')).toBeUndefined()
  })

  it('has a text that reads back as itself, whatever its paths are called', () => {
    for (const path of [
      '/',
      '/srv/a',
      '/a b',
      '/"',
      "/'\\",
      '/\n<sftp> REMOVE /x',
      '/ä',
      '/<sftp>',
      '/ ',
    ]) {
      for (const statement of [
        of('OPEN', ['write,create', 'mode=644'], path),
        of('RENAME', [], path, '/x'),
        of('SYMLINK', [], '/x', path),
      ]) {
        expect(readStatement(statement?.text ?? '', 'deploy')).toEqual(statement)
        expect(statement?.text).not.toContain('\n')
      }
    }
    expect(readStatement('<sftp>', 'deploy')).toEqual(filesStatement('deploy'))
  })

  it('is told from a command', () => {
    for (const text of [
      'sftp',
      'OPEN read /a',
      '<sftp>x',
      '<sftp> OPEN read a',
      '<sftp> OPEN /a/../b',
    ])
      expect(readStatement(text, 'deploy')).toBeUndefined()
  })
})
