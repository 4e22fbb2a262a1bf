// kubectl, unmodified, to a cluster itself and through the gateway: what it prints is compared.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, until } from '../servers/programs.ts'
import { type ClusterStage, kubectls, startClusterStage } from './kubernetes-stage.ts'

let stage: ClusterStage

beforeAll(async () => {
  stage = await startClusterStage()
}, 90_000)
afterAll(() => stage?.stop())

/** What differs between any two runs: ages, names made by chance, times. */
function settled({ code, stdout, stderr }: Ran, namespace: string): Ran {
  const clean = (text: string) =>
    text
      .replaceAll(namespace, 'NAMESPACE')
      .replaceAll(/\b\d+(?:\.\d+)?m?s\b/g, 'AGE')
      .replaceAll(/ +/g, ' ')
      .replaceAll(/\b(web-[0-9a-f]{9})-\w{5}\b/g, '$1-POD')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]+ [+-]\d{4}/g, 'TIME')
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/(resourceVersion"?: ?"?|Resource Version: )\d+/g, '$1N')
      .replaceAll(/(LIVE|MERGED)-\d+/g, '$1')
      .replaceAll(/\d{4}-\d\d-\d\d [\d:.]+ [+-]\d{4}/g, 'TIME')
      .replaceAll(/10\.0\.0\.\d+/g, 'IP')
      .replaceAll(/https:\/\/127\.0\.0\.1:\d+(?:\/cluster)?/g, 'SERVER')
  return { code, stdout: clean(stdout), stderr: clean(stderr) }
}

describe.each(Object.entries(kubectls()))('kubectl %s', (version, program) => {
  const name = `n${version.replaceAll('.', '')}`
  const spaces = { direct: `${name}-direct`, through: `${name}-through` }

  /** The same to both, each in a namespace of its own. */
  async function both(args: readonly string[], input?: string) {
    const more = { program, ...(input === undefined ? {} : { input }) }
    const [direct, through] = await Promise.all([
      stage.direct(['-n', spaces.direct, ...args], more),
      stage.kubectl(['-n', spaces.through, ...args], more),
    ])
    return {
      direct: settled(direct, spaces.direct),
      through: settled(through, spaces.through),
      said: through,
    }
  }

  async function same(args: readonly string[], input?: string): Promise<Ran> {
    const { direct, through, said } = await both(args, input)
    expect(through, args.join(' ')).toEqual(direct)
    return said
  }

  it('learns what the cluster knows: kinds, explanations, rights', async () => {
    expect((await same(['api-resources'])).stdout).toContain('deployments')
    await same(['api-versions'])
    await same(['explain', 'pod.spec.containers'])
    const raw = await Promise.all([
      stage.direct(['get', '--raw', '/readyz'], { program }),
      // kubectl puts it in the place of the server's own path.
      stage.kubectl(['get', '--raw', '/cluster/readyz'], { program }),
    ])
    expect(raw[1]).toEqual(raw[0])
    await same(['get', 'pods', 'nobody'])
    await same(['get', 'unheardof'])
    await same(['top', 'pods'])
  }, 60_000)

  it('follows logs and watches as they come', async () => {
    for (const namespace of Object.values(spaces)) {
      const made = await stage.direct(['create', 'namespace', namespace], { program })
      expect(made).toMatchObject({ code: 0, stderr: '' })
      const args = ['-n', namespace, 'run', 'talker', '--image=talk', '--restart=Never']
      await stage.direct(args, { program })
    }
    for (const namespace of Object.values(spaces))
      for (const line of ['one', 'two', 'three'])
        stage.cluster.logs.say(namespace, 'talker', 'talker', line)
    await same(['wait', 'pod/talker', '--for=condition=Ready', '--timeout=20s'])
    expect((await same(['logs', 'talker'])).stdout).toBe('one\ntwo\nthree\n')
    await same(['logs', 'talker', '--tail=1'])
    await same(['logs', 'talker', '-c', 'nobody'])
    const following = await stage.start(['-n', spaces.through, 'logs', '-f', 'talker'], program)
    await until('the log so far', () => following.said().includes('three'))
    stage.cluster.logs.say(spaces.through, 'talker', 'talker', 'four')
    await until('the next line', () => following.said().includes('four'))
    following.stop()
    const args = ['get', 'configmaps', '--watch-only', '-o', 'name']
    const watching = await stage.start(['-n', spaces.through, ...args], program)
    await until('the watch to tell of what is made', async () => {
      for (const verb of ['create', 'delete'])
        await stage.direct(['-n', spaces.through, verb, 'configmap', 'seen'], { program })
      return watching.said().includes('configmap/seen')
    })
    watching.stop()
  }, 60_000)
})
