// Files through the gateway, by unmodified clients against a real sshd: which operations run, and where they lead.
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, until, within } from '../servers/programs.ts'
import { RawFiles, uint32 } from './raw-files.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

let stage: ShellStage
const host = 'web-1@127.0.0.1'
/** What is on the host: `app` may be read and written, `logs` read, `held` written with a person, `secret` nothing. */
const tree = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-files-')))
const at = (...names: string[]) => join(tree, ...names)
const local = (name: string) => join(stage.folder, name)

const POLICIES = `
@id("app-files")
permit (principal, action in [Action::"read", Action::"write"], resource)
when { resource is Object && (resource.name == "${tree.slice(1)}/app" || resource.name like "${tree.slice(1)}/app/*") };
@id("log-files")
permit (principal, action == Action::"read", resource)
when { resource is Object && (resource.name == "${tree.slice(1)}/logs" || resource.name like "${tree.slice(1)}/logs/*") };
@id("small-answers") @limit_bytes("1000")
permit (principal, action == Action::"read", resource)
when { resource is Object && resource.name like "${tree.slice(1)}/small/*" };
@id("inbox")
permit (principal, action == Action::"write", resource)
when { resource is Object && resource.name like "${tree.slice(1)}/held/*" };
@id("a-person-for-held")
@approvers("dba") @reason("this folder needs a person")
forbid (principal is Agent, action == Action::"write", resource)
when { resource is Object && resource.name like "${tree.slice(1)}/held/*" } unless { context.approved };
`

beforeAll(async () => {
  for (const name of ['app', 'logs', 'held', 'secret', 'small']) mkdirSync(at(name))
  writeFileSync(at('app', 'file'), 'a file\n')
  writeFileSync(at('logs', 'log'), 'a log\n')
  writeFileSync(at('secret', 'key'), 'a secret\n')
  stage = await startShellStage({}, POLICIES)
})
afterAll(async () => {
  await stage?.stop()
  rmSync(tree, { recursive: true, force: true })
})

let shared: Promise<string> | undefined
async function environment() {
  shared ??= stage.credential()
  return stage.environment(await shared)
}

/** OpenSSH's sftp with these lines. `-` before a line: its failure does not end it. */
async function sftp(...lines: string[]) {
  const batch = `${lines.join('\n')}\n`
  return run(
    'sftp',
    [...stage.options(), '-o', 'BatchMode=no', '-P', String(stage.gateway.port), '-b', '-', host],
    {
      env: await environment(),
      input: batch,
    },
  )
}

describe('OpenSSH sftp', () => {
  test('lists, gets, puts, renames, makes, removes, links, and sets modes', async () => {
    writeFileSync(local('up'), 'from here\n')
    const ran = await sftp(
      `cd ${at('app')}`,
      'pwd',
      'ls -l',
      `get file ${local('down')}`,
      `put ${local('up')} up`,
      'rename up moved',
      'mkdir folder',
      `put ${local('up')} folder/deep`,
      'symlink folder/deep link',
      'chmod 600 moved',
      `get link ${local('through')}`,
      'rm folder/deep',
      'rmdir folder',
    )
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(ran.stdout).toContain(at('app'))
    expect(readFileSync(local('down'), 'utf8')).toBe('a file\n')
    expect(readFileSync(local('through'), 'utf8')).toBe('from here\n')
    expect(readFileSync(at('app', 'moved'), 'utf8')).toBe('from here\n')
    expect(statSync(at('app', 'moved')).mode & 0o777).toBe(0o600)
    expect(readlinkSync(at('app', 'link'))).toBe('folder/deep')
    expect(existsSync(at('app', 'folder'))).toBe(false)
  })

  test('moves megabytes both ways unchanged', async () => {
    writeFileSync(local('large'), randomBytes(8_000_000))
    const ran = await sftp(
      `put ${local('large')} ${at('app', 'large')}`,
      `get ${at('app', 'large')} ${local('large-back')}`,
    )
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(at('app', 'large')).equals(readFileSync(local('large')))).toBe(true)
    expect(readFileSync(local('large-back')).equals(readFileSync(local('large')))).toBe(true)
  })
})

describe('other clients', () => {
  test('scp in its new protocol copies there and back, and a whole folder', async () => {
    writeFileSync(local('scp'), randomBytes(700_000))
    mkdirSync(local('several/deep'), { recursive: true })
    writeFileSync(local('several/deep/one'), 'one\n')
    const scp = async (...args: string[]) =>
      run('scp', [...stage.options(), '-P', String(stage.gateway.port), ...args], {
        env: await environment(),
      })
    expect(await scp('-p', local('scp'), `${host}:${at('app', 'scp')}`)).toMatchObject({ code: 0 })
    expect(await scp(`${host}:${at('app', 'scp')}`, local('back'))).toMatchObject({ code: 0 })
    expect(readFileSync(local('back'))).toEqual(readFileSync(local('scp')))
    const tree = await scp('-r', local('several'), `${host}:${at('app')}/`)
    expect(tree, tree.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(at('app', 'several', 'deep', 'one'), 'utf8')).toBe('one\n')
  })

  test('scp carries names that attack a terminal, a shell or an option list as what they are, and refuses those that are no text', async () => {
    const names = [
      '-rf',
      '..evil',
      'a\nb',
      '\u001b]0;owned\u0007',
      'c1\u009b31m',
      '\u202egpj.exe',
      '$(touch owned)',
      '*',
      'n'.repeat(255),
    ]
    mkdirSync(local('hostile'))
    for (const name of names) writeFileSync(join(local('hostile'), name), name)
    const scp = async (...args: string[]) =>
      run('scp', [...stage.options(), '-P', String(stage.gateway.port), '-r', ...args], {
        env: await environment(),
      })
    const up = await scp(local('hostile'), `${host}:${at('app')}/`)
    expect(up, up.stderr).toMatchObject({ code: 0 })
    expect(readdirSync(at('app', 'hostile')).sort()).toEqual(names.toSorted())
    const down = await scp(`${host}:${at('app', 'hostile')}`, local('hostile-back'))
    expect(down, down.stderr).toMatchObject({ code: 0 })
    for (const name of names)
      expect(readFileSync(join(local('hostile-back'), name), 'utf8')).toBe(name)
    expect(existsSync(local('owned'))).toBe(false)

    // No policy could be asked about it: it is refused, the others are not.
    const bytes = Buffer.concat([
      Buffer.from(`${at('app', 'hostile')}/`),
      Buffer.from([0xff, 0x0a]),
    ])
    writeFileSync(bytes, 'unnamed')
    const partly = await scp(`${host}:${at('app', 'hostile')}`, local('hostile-partly'))
    expect(partly.code).not.toBe(0)
    expect(readdirSync(local('hostile-partly')).sort()).toEqual(names.toSorted())
    rmSync(at('app', 'hostile'), { recursive: true })

    const auditor = await stage.token('dora')
    let replayed = ''
    await until('the session to be closed', async () => {
      const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
      const [newest]: { id: string; endedAt?: number }[] = JSON.parse(listed.stdout)
      if (newest?.endedAt === undefined) return false
      replayed = (await stage.gateway.cli(['session', 'replay', newest.id], auditor)).stdout
      return replayed.includes('owned')
    })
    expect(replayed).toContain('a path must be UTF-8 text without NUL')
    expect(replayed).not.toMatch(/[\p{Cc}\p{Cf}](?<![\n])/u)
  })

  test('psftp puts and gets', async () => {
    writeFileSync(local('putty'), 'from PuTTY\n')
    const file = join(stage.folder, 'known_hosts')
    const key = /SHA256:\S+/.exec((await run('ssh-keygen', ['-lf', file])).stdout)?.[0] ?? ''
    const batch = [`cd ${at('app')}`, `put ${local('putty')} putty`]
    batch.push(`get putty ${local('putty-back')}`, 'del putty', '')
    writeFileSync(local('batch'), batch.join('\n'))
    const args = ['-batch', '-P', String(stage.gateway.port), '-pw', await stage.credential()]
    const ran = await run('psftp', [...args, '-hostkey', key, '-b', local('batch'), host])
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(local('putty-back'), 'utf8')).toBe('from PuTTY\n')
    expect(existsSync(at('app', 'putty'))).toBe(false)
  })

  test('paramiko reads, writes and is told why not', async () => {
    const script = `
import os, paramiko
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect('127.0.0.1', ${stage.gateway.port}, 'web-1', os.environ['TEST_PASSWORD'], look_for_keys=False, allow_agent=False)
files = client.open_sftp()
with files.open('${at('app', 'python')}', 'w') as file:
    for n in range(2000): file.write('line %d\\n' % n)
with files.open('${at('app', 'python')}') as file:
    print(len(file.read().split()))
print(sorted(files.listdir('${at('logs')}')))
try: files.open('${at('logs', 'log')}', 'a')
except IOError as error: print(error.errno, error.strerror)
client.close()
`
    const python = await run('/usr/bin/python3', ['-c', script], { env: await environment() })
    const [words, names, refused] = python.stdout.split('\n')
    expect(words, python.stderr).toBe('4000')
    expect(names).toBe("['log']")
    expect(refused).toMatch(/^13 sallyport: .*\(no_permit\)$/)
  })
})

describe('the gate of files', () => {
  test('judges by path: other folders are not read, written, listed or looked at', async () => {
    const ran = await sftp(
      `-get ${at('secret', 'key')} ${local('stolen')}`,
      `-put ${local('up')} ${at('logs', 'new')}`,
      `-ls ${at('secret')}`,
      `-rm ${at('logs', 'log')}`,
      `-rename ${at('app', 'file')} ${at('logs', 'file')}`,
      `-rename ${at('logs', 'log')} ${at('app', 'log')}`,
      `get ${at('logs', 'log')} ${local('log')}`,
    )
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(existsSync(local('stolen'))).toBe(false)
    expect(existsSync(at('logs', 'new'))).toBe(false)
    expect(existsSync(at('app', 'log'))).toBe(false)
    expect(readFileSync(at('logs', 'log'), 'utf8')).toBe('a log\n')
    expect(readFileSync(at('app', 'file'), 'utf8')).toBe('a file\n')
    expect(readFileSync(local('log'), 'utf8')).toBe('a log\n')
    expect(ran.stderr).toContain('reason: no_permit')
    expect(
      ran.stdout
        .split('\n')
        .filter(line => !line.startsWith('sftp>'))
        .join(''),
    ).toBe('')
  })

  test('holds what needs a person, and goes on when there is a yes', async () => {
    writeFileSync(local('careful'), 'with care\n')
    const running = sftp(`put ${local('careful')} ${at('held', 'x')}`)
    const auditor = await stage.token('dora')
    let id = ''
    await until('the request', async () => {
      const listed = await stage.gateway.cli(['requests', '--json'], auditor)
      const requests: { id: string; state: string; statement: string }[] = JSON.parse(listed.stdout)
      const found = requests.find(each => each.statement.includes(at('held', 'x')))
      id = found?.id ?? ''
      return id !== ''
    })
    expect(existsSync(at('held', 'x'))).toBe(false)
    await stage.gateway.cli(['approve', id], auditor)
    const ran = await running
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(at('held', 'x'), 'utf8')).toBe('with care\n')
  })

  test('records each operation, and of each file what went through it', async () => {
    writeFileSync(local('sum'), randomBytes(300_000))
    const sum = createHash('sha256')
      .update(readFileSync(local('sum')))
      .digest('hex')
    await sftp(
      `put ${local('sum')} ${at('app', 'sum')}`,
      `get ${at('app', 'sum')} ${local('sum2')}`,
    )
    const auditor = await stage.token('dora')
    let replayed = ''
    await until('the session to be closed', async () => {
      const listed = await stage.gateway.cli(['sessions', '--json'], auditor)
      const sessions: { id: string; endedAt?: number }[] = JSON.parse(listed.stdout)
      const id = sessions[0]?.endedAt === undefined ? undefined : sessions[0].id
      if (id === undefined) return false
      replayed = (await stage.gateway.cli(['session', 'replay', id], auditor)).stdout
      return replayed.includes(at('app', 'sum'))
    })
    expect(replayed).toContain(`<sftp> OPEN write,create,truncate mode=644 ${at('app', 'sum')}`)
    expect(replayed).toContain(`<sftp> OPEN read ${at('app', 'sum')}`)
    expect(replayed.split(sum)).toHaveLength(3)
    expect(replayed).toContain('300000')
  })

  test('an answer is no longer than a policy lets it be', async () => {
    writeFileSync(at('small', 'fits'), 'x'.repeat(1_000))
    writeFileSync(at('small', 'more'), 'x'.repeat(1_001))
    const ran = await sftp(
      `get ${at('small', 'fits')} ${local('fits')}`,
      `-get ${at('small', 'more')} ${local('more')}`,
    )
    expect(statSync(local('fits')).size).toBe(1_000)
    expect(ran.stderr).toContain('reason: limit_exceeded')
    expect(existsSync(local('more')) ? statSync(local('more')).size : 0).toBeLessThanOrEqual(1_000)
  })

  test('a policy that changes is the one that open files are read by from then on', async () => {
    const files = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    await files.greet()
    const handle = (await files.ask(3, at('logs', 'log'), 1, 0)).rest.subarray(4)
    const read = () => files.ask(5, handle, 0, 0, 100)
    expect((await read()).type).toBe(103)
    const name = `${tree.slice(1)}/logs/log`
    const closed = `@id("logs-are-closed") forbid (principal, action == Action::"read", resource == Object::"web-1/${name}");`
    stage.gateway.writePolicies({ 'more.cedar': closed })
    try {
      await until('the policy to hold', async () => (await read()).code === 3)
      expect((await read()).code).toBe(4)
    } finally {
      stage.gateway.writePolicies({ 'more.cedar': '' })
      files.end()
    }
  })

  test('a session that is ended takes its file channel with it', async () => {
    const files = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    await files.greet()
    const auditor = await stage.token('dora')
    const listed = await stage.gateway.cli(['sessions', '--live', '--json'], auditor)
    const [live]: { id: string }[] = JSON.parse(listed.stdout)
    await stage.gateway.cli(['session', 'end', live?.id ?? ''], auditor)
    const asked = Date.now()
    await files.over()
    within(4_000, Date.now() - asked)
    expect(files.said).toContain('ended by an operator')
  })
})

describe('attacks on files', () => {
  const [OPEN, READ, WRITE, CLOSE, STAT, OPENDIR, RENAME, SYMLINK] = [3, 5, 6, 4, 17, 11, 18, 20]
  const [DENIED, FAILED] = [3, 4]
  let files: RawFiles
  beforeAll(async () => {
    files = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    expect((await files.greet()).type).toBe(2)
    symlinkSync(at('secret'), at('app', 'out'))
    symlinkSync(at('secret', 'key'), at('app', 'innocent'))
    symlinkSync(at('secret', 'made'), at('app', 'dangling'))
    symlinkSync(at('app'), at('logs', 'turn'))
  })
  afterAll(() => files?.end())
  const opened = async (path: string, pflags: number) => {
    const answer = await files.ask(OPEN, path, pflags, 0)
    expect(answer.type, `${path} ${answer.rest}`).toBe(102)
    return answer.rest.subarray(4)
  }

  test('a path out of a permitted folder is judged as where it leads', async () => {
    for (const path of [
      at('app', '..', 'secret', 'key').replace('app', 'app/x/..'),
      `${at('app')}/../secret/key`,
      `${at('app')}//..//secret/./key`,
      `${at('app')}/out/key`,
      `${at('app')}/out/../secret/key`,
      `${at('app')}/innocent`,
      `${at('logs')}/turn/../secret/key`,
      `${at('app')}/./out//key/`,
      // The whole host again, through a link that the kernel makes.
      ['', 'proc', 'self', 'root', 'etc', 'passwd'].join('/'),
      'secret',
      '',
    ]) {
      expect((await files.ask(OPEN, path, 1, 0)).code, path).toBe(DENIED)
      expect((await files.ask(STAT, path)).code, path).toBe(DENIED)
      expect((await files.ask(OPENDIR, path)).code, path).toBe(DENIED)
    }
    // And the other way round: what leads into a permitted folder is of that folder.
    await opened(`${at('logs')}/turn/file`, 1)
  })

  test('nothing is written through a link that leads out, nor made where it points', async () => {
    expect((await files.ask(OPEN, at('app', 'dangling'), 2 | 8, 0)).code).toBe(DENIED)
    expect((await files.ask(OPEN, at('app', 'innocent'), 2 | 16, 0)).code).toBe(DENIED)
    expect((await files.ask(9, at('app', 'innocent'), 4, 0o777)).code).toBe(DENIED)
    expect((await files.ask(14, `${at('app')}/out/folder`, 0)).code).toBe(DENIED)
    expect(readFileSync(at('secret', 'key'), 'utf8')).toBe('a secret\n')
    expect(existsSync(at('secret', 'made'))).toBe(false)
  })

  test('no link, hard link or rename brings in what is outside', async () => {
    for (const target of [at('secret', 'key'), '../secret/key', 'out/key'])
      expect((await files.ask(SYMLINK, target, at('app', 'mine'))).code, target).toBe(DENIED)
    const posix = 'posix-rename@openssh.com'
    const hard = 'hardlink@openssh.com'
    expect((await files.ask(200, hard, at('secret', 'key'), at('app', 'mine'))).code).toBe(DENIED)
    for (const from of [at('secret', 'key'), `${at('app')}/out/key`, `${at('app')}/../secret`]) {
      expect((await files.ask(RENAME, from, at('app', 'mine'))).code).toBe(DENIED)
      expect((await files.ask(200, posix, from, at('app', 'mine'))).code).toBe(DENIED)
    }
    expect((await files.ask(200, posix, at('app', 'file'), at('logs', 'log'))).code).toBe(DENIED)
    expect(() => lstatSync(at('app', 'mine'))).toThrow()
    expect(readFileSync(at('logs', 'log'), 'utf8')).toBe('a log\n')
  })

  test('removing a link removes the link', async () => {
    symlinkSync(at('secret', 'key'), at('app', 'gone'))
    expect((await files.ask(13, at('app', 'gone'))).code).toBe(0)
    expect(existsSync(at('secret', 'key'))).toBe(true)
  })

  test('a NUL, bytes that are no text, and endless paths are refused before the host hears of them', async () => {
    for (const path of [
      `${at('app', 'file')}\0${at('secret')}`,
      Buffer.from([0x2f, 0xff, 0xfe]),
      `${at('app')}/${'x'.repeat(5_000)}`,
      `${at('app')}${'/a'.repeat(200)}`,
    ])
      expect((await files.ask(OPEN, path, 1, 0)).code).toBe(FAILED)
  })

  test('handles are only those that were given, for what they were given', async () => {
    const reading = await opened(at('app', 'file'), 1)
    const writing = await opened(at('app', 'written'), 2 | 8)
    const zero = Buffer.alloc(8)
    const at0 = (type: number, handle: Buffer, ...rest: (number | string)[]) =>
      files.ask(type, handle, ...[zero.readUInt32BE(0), zero.readUInt32BE(4)], ...rest)
    expect((await at0(WRITE, reading, 'x')).code).toBe(FAILED)
    expect((await at0(READ, writing, 100)).code).toBe(FAILED)
    expect((await files.ask(10, reading, 4, 0o777)).code).toBe(FAILED)
    expect((await files.ask(12, reading)).code).toBe(FAILED)
    for (const guess of [
      Buffer.from([0, 0, 0, 0]),
      Buffer.from('a longer handle'),
      Buffer.alloc(0),
    ])
      expect((await at0(READ, guess, 100)).code).toBe(FAILED)
    expect((await at0(READ, reading, 100)).rest.toString()).toContain('a file')
    expect((await files.ask(CLOSE, reading)).code).toBe(0)
    expect((await at0(READ, reading, 100)).code).toBe(FAILED)
    expect((await files.ask(CLOSE, reading)).code).toBe(FAILED)
    expect((await files.ask(CLOSE, writing)).code).toBe(0)
    expect(readFileSync(at('app', 'file'), 'utf8')).toBe('a file\n')
  })

  test('no more files are open at a time than fit', async () => {
    const other = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    await other.greet()
    for (let n = 0; n < 300; n += 1) other.send(OPEN, at('app', 'file'), 1, 0)
    const types: number[] = []
    for (let n = 0; n < 300; n += 1) types.push((await other.next()).type)
    expect(types.filter(type => type === 102)).toHaveLength(256)
    other.end()
  })

  test('ten thousand requests at once are all answered, in order', async () => {
    const other = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    await other.greet()
    const handle = (await other.ask(OPEN, at('app', 'file'), 1, 0)).rest.subarray(4)
    const first = other.send(READ, handle, 0, 0, 100)
    for (let n = 1; n < 10_000; n += 1) other.send(READ, handle, 0, 0, 100)
    for (let n = 0; n < 10_000; n += 1) {
      const answer = await other.next()
      if (answer.id !== first + n || answer.type !== 103) throw new Error(`${n}: ${answer.type}`)
    }
    other.end()
    expect(stage.gateway.alive()).toBe(true)
  })

  test('what comes before the channel is admitted waits, and is judged in its turn', async () => {
    const other = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    // All at once, before the host has been heard of.
    other.raw(1, 3)
    other.send(OPEN, at('secret', 'key'), 1, 0)
    other.send(OPEN, at('app', 'file'), 1, 0)
    expect((await other.next()).type).toBe(2)
    expect((await other.next()).code).toBe(DENIED)
    expect((await other.next()).type).toBe(102)
    other.end()
  })

  test('packets that cannot be, and a first one that is none, end the channel alone', async () => {
    const password = await stage.credential()
    for (const bytes of [
      Buffer.from([0xff, 0xff, 0xff, 0xff, 1]),
      Buffer.from([0, 0, 0, 0, 1]),
      Buffer.from([0, 0, 0, 5, 17, 0, 0, 0, 1]),
      Buffer.concat([
        uint32(5),
        Buffer.from([1]),
        uint32(3),
        uint32(9),
        Buffer.from([5]),
        uint32(1),
        uint32(9),
      ]),
    ]) {
      const other = await RawFiles.open(stage.gateway.port, 'web-1', password)
      other.bytes(bytes)
      await other.over()
      expect(other.exit).toBe(77)
      expect(other.said).toMatch(/reason: (protocol_violation|message_too_large)/)
      other.end()
    }
    expect((await files.ask(STAT, at('app', 'file'))).type).toBe(105)
  })

  test('whoever only guesses is let go', async () => {
    const other = await RawFiles.open(stage.gateway.port, 'web-1', await stage.credential())
    await other.greet()
    for (let n = 0; n < 10_000; n += 1) other.send(READ, uint32(n + 1), 0, 0, 100)
    await other.over()
    expect(other.said).toContain('too many requests that cannot be served')
    other.end()
  })

  test('no command passes for a file operation', async () => {
    const ran = await stage.ssh([host, `<sftp> OPEN read ${at('app', 'file')}`])
    expect(ran.code).toBe(77)
  })
})
