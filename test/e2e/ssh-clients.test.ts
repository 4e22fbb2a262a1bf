// More clients of SSH against a real sshd: what libraries ask besides (modes, signals), long work under exchanges of
// keys and questions whether anybody is there, and tools that drive hosts.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../servers/programs.ts'
import { type RunningSshd, startSshd } from '../servers/sshd.ts'
import { type ShellStage, startShellStage } from './ssh-stage.ts'

const HOST = 'web-1@127.0.0.1'
let stage: ShellStage
let other: RunningSshd

beforeAll(async () => {
  const keepAlive = ['ClientAliveInterval 1', 'ClientAliveCountMax 1']
  other = await startSshd(() => [], UNPRIVILEGED)
  stage = await startShellStage({}, FILES, {
    prepare: () => keepAlive,
    resources: [
      {
        name: 'unprivileged',
        protocol: 'ssh',
        upstream: { host: '127.0.0.1', port: other.port, hostKeys: [other.hostKey] },
        credential: { user: other.user, privateKey: `file:${other.key}` },
      },
    ],
  })
})
afterAll(() => Promise.all([stage?.stop(), other?.stop()]))

const FILES = `
@id("files")
permit (principal, action in [Action::"read", Action::"write"], resource in Resource::"web-1");
@id("unprivileged")
permit (principal, action in [Action::"connect", Action::"execute"], resource in Resource::"unprivileged");
`

/**
 * OpenSSH signals what runs for a user with a process of that user's own between it and root; for root it has none, and
 * refuses (session.c, "session signalling requires privilege separation"). The one who is here wherever the tests are.
 */
const UNPRIVILEGED = userInfo().uid === 0 ? 'postgres' : userInfo().username

/** Python on the machine's own interpreter, where its packages are. */
async function python(script: string, more: Readonly<Record<string, string>> = {}) {
  const env = { TEST_PASSWORD: await stage.credential(), PYTHONWARNINGS: 'ignore', ...more }
  return run('/usr/bin/python3', ['-c', script], { env })
}

describe('asyncssh', () => {
  const script = (body: string, resource = 'web-1') => `
import asyncio, os, asyncssh
async def main():
    async with asyncssh.connect('127.0.0.1', port=${stage.gateway.port}, username='${resource}', known_hosts=None,
                                client_keys=None, password=os.environ['TEST_PASSWORD']) as connection:
${body.replace(/^/gm, '        ')}
asyncio.run(main())
`

  test('runs commands, twenty at a time', async () => {
    const ran = await python(
      script(`
all = await asyncio.gather(*(connection.run(f'echo {n}', check=True) for n in range(20)))
print(','.join(each.stdout.strip() for each in all))`),
    )
    expect(ran.stdout, ran.stderr).toBe(`${[...Array(20).keys()].join(',')}\n`)
  })

  test('has the modes of its terminal at the host, as it set them', async () => {
    const ran = await python(
      script(`
modes = {asyncssh.PTY_ECHO: 0, asyncssh.PTY_VINTR: 7, asyncssh.PTY_ICANON: 1, 42: 1}
said = await connection.run('stty -a', term_type='vt220', term_size=(91, 31), term_modes=modes)
print(said.stdout)`),
    )
    expect(ran.stdout, ran.stderr).toContain('rows 31; columns 91')
    expect(ran.stdout).toMatch(/intr = \^G/)
    expect(ran.stdout).toMatch(/ -echo /)
    expect(ran.stdout).toMatch(/ iutf8/)
  })

  test('sends signals that reach what runs, as the host tells it', async () => {
    const ran = await python(
      script(
        `
process = await connection.create_process("trap 'echo caught; exit 3' TERM; echo runs; while :; do sleep 0.1; done")
print((await process.stdout.readline()).strip())
process.send_signal('TERM')
said = await asyncio.wait_for(process.wait(), 10)
print(said.stdout.strip(), said.exit_status)
process = await connection.create_process('echo runs; exec sleep 60')
await process.stdout.readline()
process.send_signal('INT')
print((await asyncio.wait_for(process.wait(), 10)).exit_signal[0])`,
        'unprivileged',
      ),
      { TEST_PASSWORD: await stage.credential('order-bot', 'unprivileged') },
    )
    expect(ran.stdout, ran.stderr).toBe('runs\ncaught 3\nINT\n')
  })

  test('puts, lists and gets files', async () => {
    const [from, to] = [join(stage.folder, 'as-from'), join(stage.folder, 'as-to')]
    writeFileSync(from, 'a file\n'.repeat(10_000))
    const ran = await python(
      script(`
async with connection.start_sftp_client() as files:
    await files.put('${from}', '${to}')
    print((await files.stat('${to}')).size, '${to}'.split('/')[-1] in await files.listdir('${stage.folder}'))
    await files.get('${to}', '${to}-back')`),
    )
    expect(ran.stdout, ran.stderr).toBe('70000 True\n')
    expect(readFileSync(`${to}-back`)).toEqual(readFileSync(from))
  })
})

describe('long work', () => {
  test('goes on through exchanges of keys, in both directions at once', async () => {
    const text = 'x'.repeat(12_000_000)
    const ran = await stage.ssh(['-o', 'RekeyLimit=1M', HOST, 'cat'], { input: text })
    const sum = (of: string) => createHash('sha256').update(of).digest('hex')
    expect(sum(ran.stdout), ran.stderr).toBe(sum(text))
  })

  test('is not taken for dead while each end is asked whether it is there', async () => {
    const alive = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=1']
    const ran = await stage.ssh([...alive, HOST, 'sleep 3.5; echo alive'])
    expect(ran.stdout, ran.stderr).toBe('alive\n')
  })
})

describe('Ansible', () => {
  test.each([
    ['with pipelining', 'True'],
    ['without', 'False'],
  ])('a playbook of ping, copy, command and template: %s', async (_, pipelining) => {
    const folder = join(stage.folder, `ansible-${pipelining}`)
    mkdirSync(folder, { recursive: true })
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const key = join(folder, 'key')
    const made = await stage.gateway.cli(
      ['credential', 'web-1', '--certificate', key],
      await stage.token('order-bot'),
    )
    expect(made.code, made.stderr).toBe(0)
    const inventory = file(
      'hosts',
      `target ansible_host=127.0.0.1 ansible_port=${stage.gateway.port} ansible_user=web-1 ansible_python_interpreter=/usr/bin/python3\n`,
    )
    file('greeting.j2', 'Hello, {{ who }}\n')
    const book = file(
      'book.yml',
      `
- hosts: all
  gather_facts: false
  vars: { who: gateway }
  tasks:
    - ping:
    - copy: { content: "copied\\n", dest: ${folder}/copied }
    - template: { src: greeting.j2, dest: ${folder}/greeting }
    - command: cat ${folder}/greeting
      register: said
    - debug: { msg: "{{ said.stdout }}" }
`,
    )
    const env = {
      ...stage.environment(await stage.credential()),
      ANSIBLE_PIPELINING: pipelining,
      ANSIBLE_HOST_KEY_CHECKING: 'False',
      ANSIBLE_HOME: folder,
      ANSIBLE_REMOTE_TEMP: `${folder}/remote`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(stage.folder, 'cp'),
      ANSIBLE_SSH_ARGS: `-o ControlMaster=auto -o ControlPersist=5s -i ${key} ${stage.options().join(' ')}`,
      ANSIBLE_NOCOLOR: '1',
    }
    const ran = await run('ansible-playbook', ['-i', inventory, book], { env })
    expect(ran.stdout, ran.stderr).toContain('Hello, gateway')
    expect(ran.stdout).toMatch(/ok=5 .*failed=0/)
    expect(readFileSync(join(folder, 'copied'), 'utf8')).toBe('copied\n')
  })
})
