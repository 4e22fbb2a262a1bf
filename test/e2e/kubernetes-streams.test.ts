// exec, attach, cp and port-forward with kubectl through the gateway, over SPDY and over WebSocket: real processes and real ports
// at the other end.
import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../servers/ports.ts'
import { type Ran, run, until } from '../servers/programs.ts'
import {
  type ClusterStage,
  type KubectlOptions,
  kubectls,
  type Started,
  startClusterStage,
} from './kubernetes-stage.ts'

const OPEN = `
@id("everything-but-addresses")
permit (principal, action, resource) unless { action == Action::"reveal" };
@id("a-port-of-nobodys")
@reason("port 22 is forwarded for nobody")
forbid (principal, action == Action::"tunnel", resource) when { context has tunnel && context.tunnel.port == 22 };
@id("no-shutdowns")
@reason("nothing is switched off here")
forbid (principal, action == Action::"execute", resource)
when { context.fields.hasTag("command") && context.fields.getTag("command").contains("shutdown") };
@id("touched-with-a-yes")
@approvers("dba")
@within("5m")
forbid (principal, action == Action::"execute", resource)
when { context.fields.hasTag("command") && context.fields.getTag("command").contains("touch") }
unless { context.approved };
`
const CLOSED = `${OPEN}
@id("closing-time")
forbid (principal, action == Action::"execute", resource);
`

let stage: ClusterStage
let web: Server

beforeAll(async () => {
  stage = await startClusterStage({
    policies: { 'cluster.cedar': OPEN },
    // What is no stream goes over HTTP/2.
    upstream: { version: '2' },
    dataClasses: { email: { detect: 'email', mask: 'redact' } },
  })
  web = createServer((request, response) => response.end(`${request.url} of the pod`))
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
  const box = { name: 'main', image: 'box', stdin: true, command: ['/bin/sh'] }
  await stage.cluster.ask('POST', '/api/v1/namespaces/default/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'box' },
    spec: { containers: [box] },
  })
  await until('the pod to run', async () => {
    const pod = await stage.kubectl(['get', 'pod', 'box', '-o', 'jsonpath={.status.phase}'])
    return pod.stdout === 'Running'
  })
})
afterAll(async () => {
  web?.close()
  await stage?.stop()
})

/** Each kubectl by each framing that it speaks: those before 1.29 know SPDY alone. */
function ways(): readonly (readonly [string, KubectlOptions])[] {
  return Object.entries(kubectls()).flatMap(([name, program]) => {
    const told = execFileSync(program, ['version', '--client', '-o', 'json'], { encoding: 'utf8' })
    const minor = Number.parseInt(JSON.parse(told).clientVersion.minor, 10)
    const env = {
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false',
      KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false',
    }
    const spdy = [`${name} over SPDY`, { program, env }] as const
    return minor < 29 ? [spdy] : [[`${name} over WebSocket`, { program }] as const, spdy]
  })
}

describe.each(ways())('kubectl %s', (_name, way) => {
  const kubectl = (args: readonly string[], more: KubectlOptions = {}) =>
    stage.kubectl(args, { ...way, ...more })
  const exec = (command: readonly string[], more?: KubectlOptions, flags: readonly string[] = []) =>
    kubectl(['exec', ...flags, 'box', '--', ...command], more)

  it('runs a command: its output is masked, its errors are apart, its exit status is its own', async () => {
    const script = 'echo out ann@"example.com"; echo err >&2; exit 3'
    const ran = await exec(['sh', '-c', script])
    expect(ran.code).toBe(3)
    expect(ran.stdout).toMatch(/^out /)
    expect(ran.stdout).not.toContain('ann@')
    expect(ran.stderr).toContain('err\n')
    const other = await exec(['shutdown', 'now'])
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('nothing is switched off here')
    const unknown = await exec(['no-such-program'])
    expect(unknown.code).toBe(1)
  })

  it('sends what it is given, to its end, and copies files both ways', async () => {
    const input = 'a line that is neither short nor long\n'.repeat(8_000)
    const digest = createHash('md5').update(input).digest('hex')
    expect((await exec(['md5sum'], { input }, ['-i'])).stdout).toContain(digest)
    const echoed = await exec(['cat'], { input }, ['-i'])
    expect(createHash('md5').update(echoed.stdout).digest('hex')).toBe(digest)
    const at = (name: string) => join(stage.folder, name)
    writeFileSync(at('sent'), input)
    expect(await kubectl(['cp', at('sent'), `box:${at('there')}`])).toMatchObject({ code: 0 })
    expect((await kubectl(['cp', `box:${at('there')}`, at('back')])).code).toBe(0)
    expect(readFileSync(at('back'), 'utf8')).toBe(input)
  })

  it('has a terminal, that grows with its own, and whose record is one', async () => {
    const played = await atTerminal(way.program ?? 'kubectl', way.env)
    expect(played.stdout).toMatch(/\d+ \d+\r\n/)
    expect(played.stdout).not.toContain('bob@example.com')
    expect(played.stdout).toContain('command terminated with exit code 4')
  })

  it('attaches', async () => {
    const attached = await kubectl(['attach', '-i', 'box'], { input: 'echo $((40 + 2)); exit 0\n' })
    expect(attached.stdout).toContain('42\n')
  })

  it('forwards ports that are permitted, each for itself', async () => {
    const { port } = web.address() as AddressInfo
    const [local, closed] = [await freePort(), await freePort()]
    const forward = await start(way, [
      'port-forward',
      'pod/box',
      `${local}:${port}`,
      `${closed}:22`,
    ])
    await until('the forward', () => forward.said().includes(`127.0.0.1:${closed}`))
    const asked = Array.from({ length: 8 }, async (_, i) => {
      const answer = await fetch(`http://127.0.0.1:${local}/${i}`)
      return answer.text()
    })
    expect(await Promise.all(asked)).toEqual(
      Array.from({ length: 8 }, (_, i) => `/${i} of the pod`),
    )
    await expect(fetch(`http://127.0.0.1:${closed}/`)).rejects.toThrow()
    await until('to be told why', () => forward.said().includes('port 22 is forwarded for nobody'))
    forward.stop()
  })

  it('waits for a person: runs at a yes, says why at a no, asks once, and never runs for one who left', async () => {
    const touch = async () => {
      const file = join(stage.folder, `touched-${randomUUID()}`)
      const running = await start(way, ['exec', 'box', '--', 'touch', file])
      return { file, running, id: await heldFor(file) }
    }
    const yes = await touch()
    expect(existsSync(yes.file)).toBe(false)
    await vote('approve', yes.id)
    await yes.running.ended
    expect(existsSync(yes.file), yes.running.said()).toBe(true)
    const no = await touch()
    await vote('deny', no.id, '--reason', 'not on a Friday')
    await no.running.ended
    expect(no.running.said()).toContain('not on a Friday')
    const left = await touch()
    left.running.stop()
    await until('the request to be taken back', async () => (await stateOf(left)) === 'cancelled')
    const asked = await requests()
    for (const { file } of [yes, no, left])
      expect(asked.filter(({ statement }) => statement.includes(file))).toHaveLength(1)
    expect([no, left].filter(({ file }) => existsSync(file))).toEqual([])
  })

  it('hears why it is ended when its right is', async () => {
    const running = await start(way, ['exec', 'box', '--', 'sh', '-c', 'echo begun; sleep 600'])
    await until('it to run', () => running.said().includes('begun'))
    stage.gateway.writePolicies({ 'cluster.cedar': CLOSED })
    try {
      await until('it to be ended', () =>
        /no longer permitted|rules changed|changed while/.test(running.said()),
      )
      const after = await exec(['true'])
      expect(after.code).toBe(1)
    } finally {
      stage.gateway.writePolicies({ 'cluster.cedar': OPEN })
      running.stop()
      await until('the old rules', async () => (await exec(['true'])).code === 0)
    }
  })
})

interface Asked {
  readonly id: string
  readonly state: string
  readonly statement: string
}

async function requests(): Promise<readonly Asked[]> {
  const { stdout } = await stage.gateway.cli(['requests', '--json'], await stage.token('dora'))
  return JSON.parse(stdout) as Asked[]
}

async function stateOf({ id }: Pick<Asked, 'id'>): Promise<string | undefined> {
  return (await requests()).find(each => each.id === id)?.state
}

/** The request that waits for a person, and names that. */
async function heldFor(name: string): Promise<string> {
  let found: Asked | undefined
  await until('the request', async () => {
    found = (await requests()).find(
      ({ state, statement }) => state === 'pending' && statement.includes(name),
    )
    return found !== undefined
  })
  return found!.id
}

async function vote(...args: readonly string[]): Promise<void> {
  const said = await stage.gateway.cli([...args], await stage.token('dora'))
  expect(said.code, said.stderr).toBe(0)
}

/** A person who types at a shell in the pod. */
async function atTerminal(program: string, env: KubectlOptions['env']): Promise<Ran> {
  const steps = [
    { expect: '[#$] ' },
    { send: 'stty size; echo mail to bob@exa""mple.com\r' },
    { expect: 'm:email' },
    { send: 'exit 4\r' },
    { expect: 'exit code 4' },
  ]
  const args = ['exec', '-it', 'box', '--', 'sh']
  return run(
    'python3',
    [join(import.meta.dirname, 'terminal.py'), JSON.stringify(steps), program, ...args],
    { env: { KUBECONFIG: await stage.kubeconfig(), HOME: stage.folder, ...env } },
  )
}

function start(given: KubectlOptions, args: readonly string[]): Promise<Started> {
  return stage.start(args, given)
}

describe('what goes on record', () => {
  async function told(path: string): Promise<string> {
    const authorization = `Bearer ${await stage.token('dora')}`
    const ca = readFileSync(stage.gateway.ca)
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(
        `${stage.gateway.consoleUrl}/api/${path}`,
        { ca, headers: { authorization } },
        resolve,
      ).on('error', reject)
    })
    return Buffer.concat(await answer.toArray()).toString('utf8')
  }

  /** What the newest sessions hold: a client has one for the pod, one for its streams, and some more. */
  async function newest(what: 'recording' | 'cast'): Promise<string> {
    const listed: { id: string }[] = JSON.parse(await told('sessions'))
    const ids = listed.slice(0, 12).map(({ id }) => id)
    const all = await Promise.all(ids.map(id => told(`sessions/${id}/${what}`)))
    return all.join('\n')
  }

  it('is what ran and what it said, masked; a refusal; and the ports that were asked for', async () => {
    await stage.kubectl(['exec', 'box', '--', 'echo', 'said to', 'cy@example.com'])
    await stage.kubectl(['exec', 'box', '--', 'shutdown', 'now'])
    const closed = await freePort()
    const forward = await start({}, ['port-forward', 'pod/box', `${closed}:22`])
    await until('the forward', () => forward.said().includes(`127.0.0.1:${closed}`))
    await expect(fetch(`http://127.0.0.1:${closed}/`)).rejects.toThrow()
    await until('to be told why', () => forward.said().includes('forwarded for nobody'))
    forward.stop()
    const held = await newest('recording')
    expect(held).toMatch(/exec[\s\S]*said to/)
    expect(held).not.toMatch(/^\s*said to cy@example.com/m)
    expect(held).toContain('shutdown now')
    expect(held).toMatch(/portforward\?ports=22/)
  })

  it('is what a terminal showed, with its sizes', async () => {
    await atTerminal(Object.values(kubectls())[0] ?? 'kubectl', {})
    const cast = await newest('cast')
    expect(cast).toContain('"version":3')
    expect(cast).toMatch(/mail to/)
    expect(cast).not.toContain('bob@example.com')
  })
})
