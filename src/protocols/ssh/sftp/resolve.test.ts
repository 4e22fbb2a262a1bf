import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HostStatus } from './host.ts'
import { Resolver } from './resolve.ts'
import { ANSWER, Fields, packet, status, uint32 } from './wire.ts'

/** A host of these links, folders and files; `follows`: whether its REALPATH follows links, as it should. */
function host(tree: Readonly<Record<string, string>>, follows = true) {
  const asked: string[] = []
  const real = (path: string, depth = 0): string => {
    let at = '/'
    for (const name of path.split('/')) {
      at = posix.join(at, name)
      const found = tree[at] ?? ''
      const link = found.startsWith('-> ') ? found.slice(3) : undefined
      if (link !== undefined && depth < 9)
        at = real(posix.resolve(posix.dirname(at), link), depth + 1)
    }
    return at
  }
  return {
    asked,
    async ask(request: Buffer): Promise<Buffer> {
      const path = new Fields(request).string().toString()
      asked.push(path)
      const found = tree[path]
      if (found === undefined) return status(1, 2, 'No such file')
      if (found === 'closed') return status(1, 3, 'Permission denied')
      const mode = found.startsWith('-> ') ? 0o120777 : 0o100644
      return packet(ANSWER.attributes, uint32(4), uint32(mode))
    },
    async realPath(path: string): Promise<Buffer> {
      if (path.includes('missing')) throw new HostStatus(status(1, 2, 'No such file'))
      return Buffer.from(follows ? real(path) : posix.normalize(path))
    },
  }
}

const TREE = {
  '/srv': 'folder',
  '/srv/app': 'folder',
  '/srv/app/x': 'file',
  '/srv/app/out': '-> /etc',
  '/srv/app/key': '-> ../../etc/key',
  '/etc': 'folder',
  '/etc/key': 'file',
  '/closed': 'closed',
}
const target = (path: string) => ({ path, means: 'target' as const })
const entry = (path: string) => ({ path, means: 'entry' as const })

describe('where a path leads', () => {
  const resolver = new Resolver(host(TREE), '/srv')

  it('is itself, where there is no link', async () => {
    expect(await resolver.resolve(target('/srv//app/./x/'))).toEqual({ path: '/srv/app/x' })
    expect(await resolver.resolve(target('app/new'))).toEqual({ path: '/srv/app/new' })
    expect(await resolver.resolve(target('/'))).toEqual({ path: '/' })
  })

  it('is where links lead, and what is above there', async () => {
    expect(await resolver.resolve(target('/srv/app/key'))).toEqual({ path: '/etc/key' })
    expect(await resolver.resolve(target('app/out/new'))).toEqual({ path: '/etc/new' })
    expect(await resolver.resolve(target('/srv/app/out/../x'))).toEqual({ path: '/x' })
  })

  it('is the link itself, where that is meant, in the folder where that leads', async () => {
    expect(await resolver.resolve(entry('/srv/app/key'))).toEqual({ path: '/srv/app/key' })
    expect(await resolver.resolve(entry('/srv/app/out/key'))).toEqual({ path: '/etc/key' })
    expect(await resolver.resolve(entry('/srv/app/out/..'))).toEqual({ path: '/' })
  })

  it('is not what a host says that does not follow links', async () => {
    const blind = new Resolver(host(TREE, false), '/srv')
    for (const path of ['/srv/app/key', '/srv/app/out/key', '/srv/x/../app/key'])
      await expect(blind.resolve(target(path))).rejects.toThrow('does not say where')
    expect(await blind.resolve(target('/srv/app/x'))).toEqual({ path: '/srv/app/x' })
  })

  it('that the host cannot follow is judged by its letters, and goes no further', async () => {
    expect(await resolver.resolve(target('/srv/missing/../../etc/key'))).toEqual({
      path: '/etc/key',
      failed: 2,
    })
    expect(await resolver.resolve(target('/closed/a'))).toEqual({ path: '/closed/a', failed: 3 })
  })
})
