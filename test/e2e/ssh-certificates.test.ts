// Certificates with the programs that people use them with: `sallyport credential`, ssh, ssh-agent, paramiko, asyncssh.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, until, within } from '../servers/programs.ts'
import { type RunningSshd, startSshd } from '../servers/sshd.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

let stage: ShellStage
const host = 'web-1@127.0.0.1'

/** One that a certificate names, and that trusts whoever the test says. */
let certified: RunningSshd
let mixed: RunningSshd
let old: RunningSshd
/** Of the user who runs it, as every test has it. */
const POLICY = `@id("certified") permit (principal, action in [Action::"connect", Action::"execute"], resource)
when { resource in Tag::"known=certificate" };`

beforeAll(async () => {
  certified = await startSshd(folder => {
    const made = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
    made('-t', 'ed25519', '-N', '', '-f', join(folder, 'authority'))
    made(
      '-s',
      join(folder, 'authority'),
      '-h',
      '-I',
      'host',
      '-n',
      '127.0.0.1',
      join(folder, 'host.pub'),
    )
    return [
      `HostCertificate ${join(folder, 'host-cert.pub')}`,
      `TrustedUserCAKeys ${join(folder, 'trusted')}`,
      'LogLevel VERBOSE',
      'RekeyLimit 1M',
    ]
  })
  // As the authorities of vaults and clouds are: RSA, for a host with a key on a curve of NIST.
  mixed = await startSshd(folder => {
    const made = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
    const [authority, key] = [join(folder, 'authority'), join(folder, 'ecdsa')]
    made('-t', 'rsa', '-b', '2048', '-N', '', '-f', authority)
    made('-t', 'ecdsa', '-b', '384', '-N', '', '-f', key)
    made('-s', authority, '-h', '-I', 'host', '-n', '127.0.0.1', `${key}.pub`)
    return [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`]
  })
  // With no other key that is certified.
  old = await startSshd(folder => {
    const key = join(folder, 'rsa')
    const [authority, made] = [join(mixed.folder, 'authority'), execFileSync]
    made('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', key])
    made('ssh-keygen', ['-q', '-s', authority, '-h', '-I', 'host', '-n', '127.0.0.1', `${key}.pub`])
    return [`HostKey ${key}`, `HostCertificate ${key}-cert.pub`, 'RekeyLimit 1M']
  })
  const line = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8').trim()
  const authority = line(certified.folder, 'authority.pub')
  const rsa = `@cert-authority ${line(mixed.folder, 'authority.pub')}`
  const resource = (name: string, hostKey: string, host = '127.0.0.1') => ({
    name,
    protocol: 'ssh',
    tags: { known: 'certificate' },
    upstream: { host, port: certified.port, hostKeys: [hostKey] },
    credential: { user: certified.user, certificate: 'ours' },
  })
  const other = (name: string, ...hostKeys: string[]) => ({
    name,
    protocol: 'ssh',
    tags: { known: 'certificate' },
    upstream: { host: '127.0.0.1', port: mixed.port, hostKeys },
    credential: { user: mixed.user, privateKey: `file:${mixed.key}` },
  })
  const aged = (name: string, ...hostKeys: string[]) => ({
    ...other(name),
    upstream: { host: '127.0.0.1', port: old.port, hostKeys },
    credential: { user: old.user, privateKey: `file:${old.key}` },
  })
  stage = await startShellStage({}, POLICY, {
    resources: [
      resource('by-certificate', `@cert-authority ${authority}`),
      resource('stranger', `@cert-authority ${certified.hostKey}`),
      resource('other-host', `@cert-authority ${authority}`, 'localhost'),
      aged('with-rsa', rsa),
      aged('with-revoked-rsa', rsa, `@revoked ${line(old.folder, 'rsa.pub')}`),
      aged('with-other', `@cert-authority ${authority}`),
      other('by-rsa', rsa),
      other('revoked', rsa, `@revoked ${line(mixed.folder, 'ecdsa.pub')}`),
    ],
  })
})
afterAll(async () => {
  await stage?.stop()
  await Promise.all([certified?.stop(), mixed?.stop(), old?.stop()])
})

/** A key and its certificate, in files; the agent's. */
async function keyFor(resource: string, name: string, ...more: string[]): Promise<string> {
  const file = join(stage.folder, name)
  const made = await stage.gateway.cli(
    ['credential', resource, '--certificate', file, ...more],
    await stage.token('order-bot'),
  )
  if (made.code !== 0) throw new Error(made.stderr)
  return file
}

/** ssh without anything to type. */
const ssh = (args: readonly string[], env: Record<string, string> = {}) =>
  run(
    'ssh',
    [...stage.options(), '-o', 'BatchMode=yes', '-p', String(stage.gateway.port), ...args],
    { env },
  )

describe('a certificate', () => {
  test('is written beside its key, for nobody else to read, and ssh comes in with it', async () => {
    const file = await keyFor('web-1', 'key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const shown = (await run('ssh-keygen', ['-L', '-f', `${file}-cert.pub`])).stdout
    expect(shown).toMatch(/Key ID: "sp-/)
    expect(shown).toContain('Extensions: (none)')
    const ran = await ssh(['-i', file, host, 'echo in'])
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'in\n' })
    // The key alone is nobody's.
    const alone = join(stage.folder, 'alone')
    writeFileSync(alone, readFileSync(file), { mode: 0o600 })
    expect((await ssh(['-i', alone, host, 'echo in'])).code).toBe(255)
  })

  test('never takes the place of a file that is there', async () => {
    const file = join(stage.folder, 'mine')
    writeFileSync(file, 'a key of mine')
    const token = await stage.token('order-bot')
    const made = await stage.gateway.cli(['credential', 'web-1', '--certificate', file], token)
    expect(made.code).toBe(2)
    expect(readFileSync(file, 'utf8')).toBe('a key of mine')
    expect(existsSync(`${file}-cert.pub`)).toBe(false)
  })

  test('goes into an agent, and ssh needs no file', async () => {
    const agent = await run('ssh-agent', ['-s'])
    const [, socket = ''] = /SSH_AUTH_SOCK=([^;]+)/.exec(agent.stdout) ?? []
    const [, pid = ''] = /SSH_AGENT_PID=(\d+)/.exec(agent.stdout) ?? []
    try {
      const env = { SSH_AUTH_SOCK: socket }
      const args = ['credential', 'web-1', '--agent', '--ttl', '60']
      const asked = await stage.gateway.cli(args, await stage.token('order-bot'), 20_000, env)
      expect(asked, asked.stderr).toMatchObject({ code: 0 })
      const ran = await ssh([host, 'echo from an agent'], env)
      expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'from an agent\n' })
    } finally {
      process.kill(Number(pid))
    }
  })

  test('is for the addresses that it was asked for, and for no other resource', async () => {
    const here = await keyFor('web-1', 'here', '--from', '127.0.0.0/8,192.0.2.1')
    expect((await ssh(['-i', here, host, 'true'])).code).toBe(0)
    const there = await keyFor('web-1', 'there', '--from', '192.0.2.1')
    expect((await ssh(['-i', there, host, 'true'])).code).toBe(255)
    expect((await ssh(['-i', here, 'impostor@127.0.0.1', 'true'])).code).toBe(255)
    const wrong = stage.gateway.cli(
      ['credential', 'web-1', '--certificate', join(stage.folder, 'x'), '--from', 'everywhere'],
      await stage.token('order-bot'),
    )
    expect((await wrong).stderr).toContain('no list of addresses')
  })

  test('ends with its credential, and so do the sessions that came in with it', async () => {
    const file = await keyFor('web-1', 'revoked')
    const token = await stage.token('order-bot')
    const shown = (await run('ssh-keygen', ['-L', '-f', `${file}-cert.pub`])).stdout
    const [, id = ''] = /Key ID: "([^"]+)"/.exec(shown) ?? []
    let heard = ''
    const running = run(
      'ssh',
      [...stage.options(), '-p', String(stage.gateway.port), '-i', file, host, 'echo on; sleep 60'],
      {
        hear: piece => {
          heard += piece
        },
      },
    )
    await until('the command', () => heard.includes('on'))
    expect((await stage.gateway.cli(['credentials', '--revoke', id], token)).code).toBe(0)
    const asked = Date.now()
    expect((await running).code).toBe(77)
    within(4_000, Date.now() - asked)
    expect((await ssh(['-i', file, host, 'true'])).code).toBe(255)
  })

  test('of an RSA or an ECDSA key comes in too, where a key of one’s own is certified', async () => {
    for (const [type, bits] of [
      ['rsa', '2048'],
      ['ecdsa', '384'],
    ] as const) {
      const file = join(stage.folder, `own-${type}`)
      await run('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', file])
      const publicKey = readFileSync(`${file}.pub`, 'utf8').trim()
      writeFileSync(`${file}-cert.pub`, await certificateFor(publicKey))
      const ran = await ssh(['-i', file, host, `echo ${type}`])
      expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: `${type}\n` })
    }
  })

  test('is understood by paramiko, PuTTY and asyncssh, which knows the gateway by its authority', async () => {
    const file = await keyFor('web-1', 'python')
    const paramiko = `
import paramiko, sys
key = paramiko.Ed25519Key.from_private_key_file(sys.argv[1])
key.load_certificate(sys.argv[1] + '-cert.pub')
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect('127.0.0.1', int(sys.argv[2]), 'web-1', pkey=key, look_for_keys=False, allow_agent=False)
print(client.exec_command('echo paramiko')[1].read().decode(), end='')
client.close()
`
    const asyncssh = `
import asyncio, asyncssh, sys
async def main():
    async with asyncssh.connect('127.0.0.1', int(sys.argv[2]), username='web-1', known_hosts=sys.argv[3],
                                client_keys=[sys.argv[1]], agent_path=None, config=None) as client:
        print((await client.run('echo asyncssh')).stdout, end='')
asyncio.run(main())
`
    const shown = await stage.gateway.cli(['known-hosts'], await stage.token('order-bot'))
    const [authority = '', plain = ''] = shown.stdout.split('\n')
    const known = join(stage.folder, 'authority-alone')
    writeFileSync(known, `${authority}\n`)
    const port = String(stage.gateway.port)
    const args = [file, port, known]
    const first = await run('/usr/bin/python3', ['-W', 'ignore', '-c', paramiko, ...args])
    expect(first.stdout, first.stderr).toBe('paramiko\n')
    const second = await run('/usr/bin/python3', ['-W', 'ignore', '-c', asyncssh, ...args])
    expect(second.stdout, second.stderr).toBe('asyncssh\n')
    await run('puttygen', [file, '-O', 'private', '-o', `${file}.ppk`])
    const line = { input: plain.split(' ').slice(1).join(' ') }
    const [print = ''] =
      /SHA256:\S+/.exec((await run('ssh-keygen', ['-lf', '-'], line)).stdout) ?? []
    const plink = ['-batch', '-ssh', '-P', port, '-hostkey', print, '-i', `${file}.ppk`]
    const third = await run('plink', [...plink, '-cert', `${file}-cert.pub`, host, 'echo putty'])
    expect(third.stdout, third.stderr).toBe('putty\n')
  })
})

describe('the gateway', () => {
  let lines: string[]
  let password: Record<string, string>
  beforeAll(async () => {
    const shown = await stage.gateway.cli(['known-hosts'], await stage.token('order-bot'))
    lines = shown.stdout.trim().split('\n')
    password = stage.environment(await stage.credential())
  })

  /** With only these lines to know it by, and nothing taken on trust. */
  function strict(known: readonly string[], ...more: string[]) {
    const file = join(stage.folder, 'strict')
    writeFileSync(file, `${known.join('\n')}\n`)
    const options = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${file}`, 'UpdateHostKeys=no']
    const port = String(stage.gateway.port)
    return run('ssh', [...options.flatMap(each => ['-o', each]), '-v', '-p', port, ...more], {
      env: password,
    })
  }

  test('is known by its authority alone: no key of its own has to be learnt', async () => {
    const [authority = ''] = lines
    expect(authority).toMatch(/^@cert-authority \S*\[127\.0\.0\.1\]:\d+\S* ssh-ed25519 /)
    const ran = await strict([authority], host, 'echo known')
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'known\n' })
    expect(ran.stderr).toContain('Server host certificate: ssh-ed25519-cert-v01@openssh.com')
  })

  test('is known by its plain key as before, also by clients that take no certificate', async () => {
    const [, plain = ''] = lines
    expect((await strict([plain], host, 'echo plain')).stdout).toBe('plain\n')
    const only = ['-o', 'HostKeyAlgorithms=ssh-ed25519']
    expect((await strict([plain], ...only, host, 'echo plain')).stdout).toBe('plain\n')
  })

  test('is not known under another name, nor by another authority', async () => {
    const [authority = ''] = lines
    const elsewhere = authority.replace(/ \S+ /, ' * ')
    const named = await strict([elsewhere], '-o', 'HostKeyAlias=bank.example.com', host, 'true')
    expect(named.code).toBe(255)
    expect(named.stderr).toContain('bank.example.com')
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(stage.folder, 'other')])
    const other = readFileSync(join(stage.folder, 'other.pub'), 'utf8')
    const wrong = `@cert-authority * ${other}`
    expect((await strict([wrong], host, 'true')).code).toBe(255)
  })

  test('shows the same certificate again and again while keys are exchanged', async () => {
    const [authority = ''] = lines
    const often = ['-o', 'RekeyLimit=256K']
    const ran = await strict([authority], ...often, host, 'head -c 3000000 /dev/zero | base64')
    expect(ran.code).toBe(0)
    expect(ran.stdout.length).toBeGreaterThan(4_000_000)
    expect(ran.stderr.match(/rekey/gi)?.length ?? 0).toBeGreaterThan(2)
  })
})

describe('a host', () => {
  const via = (name: string, ...command: string[]) =>
    stage.ssh([`${name}@127.0.0.1`, ...command], { env: password(name) })
  const secrets = new Map<string, string>()
  const password = (name: string) => stage.environment(secrets.get(name) ?? '')

  beforeAll(async () => {
    const shown = await stage.gateway.cli(
      ['known-hosts', '--trust'],
      await stage.token('order-bot'),
    )
    writeFileSync(join(certified.folder, 'trusted'), shown.stdout)
    const names = ['by-certificate', 'stranger', 'other-host', 'by-rsa', 'revoked']
    for (const name of [...names, 'with-rsa', 'with-revoked-rsa', 'with-other'])
      secrets.set(name, await stage.credential('order-bot', name))
  })

  test('that trusts our authority lets us in by a certificate of five minutes, and its log says for whom', async () => {
    const ran = await via('by-certificate', 'echo in; test -z "$SSH_AUTH_SOCK" && echo alone')
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'in\nalone\n' })
    const terminal = await stage.ssh(['-tt', 'by-certificate@127.0.0.1', 'tty'], {
      env: password('by-certificate'),
    })
    expect(terminal.stdout).toContain('/dev/pts/')
    expect(certified.log()).toMatch(
      /Accepted certificate ID "ses-[0-9a-f]+:order-bot" \(serial \d+\) signed by ED25519 CA/,
    )
  })

  test('is known by the authority of its certificate, and by no other', async () => {
    const wrong = await via('stranger', 'echo in')
    expect(wrong.code).toBe(77)
    expect(wrong.stderr).toContain('not one of those pinned')
    // The certificate is of the authority, for another name.
    expect((await via('other-host', 'echo in')).code).toBe(77)
  })

  test('is known by an RSA authority, with an ECDSA key, and not once that is revoked', async () => {
    const known = await via('by-rsa', 'echo in')
    expect(known.stdout, known.stderr).toBe('in\n')
    const revoked = await via('revoked', 'echo in')
    expect(revoked.code).toBe(77)
    expect(revoked.stderr).toContain('not one of those pinned')
  })

  test('is known by the certificate of an RSA key, where it has no other, and not once that is revoked', async () => {
    const known = await via('with-rsa', 'head -c 3000000 /dev/zero | base64 -w0')
    expect(known.code, known.stderr).toBe(0)
    expect(known.stdout.length).toBe(4_000_000)
    for (const name of ['with-revoked-rsa', 'with-other']) {
      const refused = await via(name, 'echo in')
      expect(refused.code).toBe(77)
      expect(refused.stderr).toContain('not one of those pinned')
    }
  })

  test('goes on while keys are exchanged again', async () => {
    const ran = await via('by-certificate', 'head -c 6000000 /dev/zero | base64 -w0')
    expect(ran.code).toBe(0)
    expect(ran.stdout.length).toBe(8_000_000)
  })

  test('does not let in the certificate that a client has for us', async () => {
    const made = await keyFor('by-certificate', 'direct')
    const args = ['-o', 'IdentitiesOnly=yes', '-i', made, '-p', String(certified.port)]
    const direct = await run(
      'ssh',
      [...stage.options(), '-o', 'BatchMode=yes', ...args, `${certified.user}@127.0.0.1`, 'id'],
      {},
    )
    expect(direct.code).toBe(255)
  })
})

/** As a program gets one for a key of its own. */
async function certificateFor(publicKey: string): Promise<string> {
  const authorization = `Bearer ${await stage.token('order-bot')}`
  const asked = request(`${stage.gateway.consoleUrl}/api/certificates`, {
    method: 'POST',
    ca: readFileSync(stage.gateway.ca),
    agent: false,
    headers: { authorization, 'content-type': 'application/json' },
  })
  asked.end(JSON.stringify({ resource: 'web-1', publicKey }))
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const pieces = await response.toArray()
  const { certificate }: { certificate: string } = JSON.parse(Buffer.concat(pieces).toString())
  return `${certificate}\n`
}
