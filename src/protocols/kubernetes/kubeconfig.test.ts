import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { InvalidRequest } from '#model'
import { credentialPlugin } from './credential-plugin.ts'
import { kubeconfig } from './kubeconfig.ts'

const ca = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const plugin = {
  command: '/opt/sallyport/bin/sallyport',
  args: ['credential', 'prod', '--kubernetes', '--gateway', 'https://gateway:8443'],
}
const entry = { host: 'gateway', port: 16443, resource: 'prod', ca, plugin, use: false }
const ours = {
  name: 'sallyport-prod',
  context: { cluster: 'sallyport-prod', user: 'sallyport-prod' },
}
const foreign = `# mine, by hand
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: ${'QUJD'.repeat(60)}
    server: https://10.0.0.1:6443
  name: home # the little one
contexts:
- context: { cluster: home, user: me }
  name: home
current-context: home
preferences: {}
users:
- name: me
  user:
    token: abc
`

describe('a kubeconfig for good', () => {
  it('has the gateway as server, its CA, and the command that gives credentials', () => {
    const { text } = kubeconfig.lasting({ ...entry, use: true }, undefined)
    expect(parse(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'sallyport-prod',
          cluster: {
            server: 'https://gateway:16443/prod',
            'certificate-authority-data': Buffer.from(ca).toString('base64'),
          },
        },
      ],
      users: [
        {
          name: 'sallyport-prod',
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1beta1',
              ...plugin,
              interactiveMode: 'Never',
              provideClusterInfo: false,
              installHint: expect.stringContaining('sallyport connect prod --write'),
            },
          },
        },
      ],
      contexts: [ours],
      'current-context': 'sallyport-prod',
    })
  })

  it('is added to a file of somebody, in which all else stays as it was, comments too', () => {
    const { text, select, replaced } = kubeconfig.lasting(entry, foreign)
    const before = parse(foreign)
    const after = parse(text)
    for (const list of ['clusters', 'users', 'contexts'])
      expect(after[list].slice(0, -1)).toEqual(before[list])
    expect([after['current-context'], select, replaced]).toEqual([
      'home',
      'kubectl config use-context sallyport-prod',
      undefined,
    ])
    expect(foreign.split('\n').filter(line => !text.split('\n').includes(line))).toEqual([])
  })

  it('takes the place of what it wrote before, and keeps the namespace that was chosen', () => {
    const first = kubeconfig.lasting(entry, foreign).text
    expect(kubeconfig.lasting(entry, first).text).toBe(first)
    const chosen = first.replace(/(cluster: sallyport-prod)$/m, '$1\n    namespace: shop')
    const again = kubeconfig.lasting({ ...entry, port: 26443, ca: undefined }, chosen)
    expect(again.replaced).toBe('https://gateway:16443/prod')
    const { clusters, contexts } = parse(again.text)
    expect(clusters.at(-1).cluster).toEqual({ server: 'https://gateway:26443/prod' })
    expect(contexts.at(-1).context).toEqual({ ...ours.context, namespace: 'shop' })
    expect(clusters.length).toBe(2)
  })

  it('names several clusters, and an address as addresses are written', () => {
    const first = kubeconfig.lasting({ ...entry, use: true }, undefined).text
    const args = ['credential', 'test', '--kubernetes']
    const second = kubeconfig.lasting(
      { ...entry, resource: 'test', host: '::1', plugin: { ...plugin, args }, use: true },
      first,
    )
    const { clusters, 'current-context': current } = parse(second.text)
    expect(clusters.map((each: { cluster: { server: string } }) => each.cluster.server)).toEqual([
      'https://gateway:16443/prod',
      'https://[::1]:16443/test',
    ])
    expect([current, second.select]).toEqual(['sallyport-test', undefined])
  })

  it('does not take the name of another’s entry', () => {
    for (const list of ['clusters', 'users', 'contexts']) {
      const taken = `apiVersion: v1\nkind: Config\n${list}:\n- name: sallyport-prod\n`
      expect(() => kubeconfig.lasting(entry, taken), list).toThrow('did not write')
    }
    const theirs = kubeconfig.lasting(entry, undefined).text.replace('- prod', '- other')
    expect(() => kubeconfig.lasting(entry, theirs)).toThrow('did not write')
  })

  it('is added to a file with empty lists, and to JSON', () => {
    const empty = 'apiVersion: v1\nkind: Config\nclusters: null\ncontexts: []\nusers: []\n'
    expect(parse(kubeconfig.lasting(entry, empty).text)['current-context']).toBe('sallyport-prod')
    const json = '{"kind":"Config","apiVersion":"v1","clusters":[],"current-context":""}'
    expect(parse(kubeconfig.lasting(entry, json).text).contexts).toEqual([ours])
    expect(parse(kubeconfig.lasting(entry, ' \n').text).contexts).toEqual([ours])
  })

  it('leaves alone what is no kubeconfig', () => {
    const wrong = [
      'a: [',
      '- 1',
      'kind: Pod\napiVersion: v1',
      'clusters: 5',
      'a: 1\n---\nb: 2',
      'a: 1\na: 2',
    ]
    for (const text of wrong)
      expect(() => kubeconfig.lasting(entry, text), text).toThrow('no kubeconfig')
  })

  it('leaves alone what it cannot change without changing other entries, or being led astray', () => {
    const name = `sallyport-${entry.resource}`
    const args = `[${entry.resource}, --kubernetes]`
    const user = `users:\n- {name: ${name}, user: {exec: {args: ${args}}}}\n`
    const wrong = [
      // Ours is what another entry leads to.
      `clusters:\n- {name: ${name}, cluster: &c {server: a}}\n- {name: b, cluster: *c}\n${user}`,
      // Ours stands elsewhere.
      `x: &x {name: ${name}, cluster: {server: a}}\nclusters: [*x]\n`,
      // One list in another, many times over.
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nusers:\n- {name: ${name}, user: {exec: {args: [*c,*c,*c,*c,*c]}}}\n`,
      'current-context: !!binary aGk=\n',
    ]
    for (const text of wrong) {
      expect(() => kubeconfig.lasting(entry, text), text).toThrow('no kubeconfig')
      expect(() => kubeconfig.lasting(entry, text), text).toThrow(InvalidRequest)
    }
  })
})

describe('a kubeconfig for a local port', () => {
  it('has a server of this machine and no credential', () => {
    const text = kubeconfig.local({ host: '127.0.0.1', port: 4711, resource: 'prod' })
    expect(parse(text)).toMatchObject({
      clusters: [{ name: 'prod', cluster: { server: 'http://127.0.0.1:4711/prod' } }],
      users: [{ name: 'prod', user: {} }],
      'current-context': 'prod',
    })
  })
})

describe('a credential plugin', () => {
  const issued = { id: 'sp-abcdefghij', secret: 'secret', expiresAt: Date.UTC(2026, 10, 21, 12) }
  const answer = (asked: string | undefined) => JSON.parse(credentialPlugin.print(issued, asked))

  it('gives a token, and says a little earlier than it ends that it does', () => {
    expect(answer(undefined)).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'sp-abcdefghij.secret', expirationTimestamp: '2026-11-21T11:59:55.000Z' },
    })
  })

  it('answers in the version that is asked for, and in no other', () => {
    for (const version of ['v1', 'v1beta1']) {
      const apiVersion = `client.authentication.k8s.io/${version}`
      expect(
        answer(JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: {} })).apiVersion,
      ).toBe(apiVersion)
    }
    for (const asked of [
      '{"apiVersion":"client.authentication.k8s.io/v1alpha1"}',
      '{',
      'null',
      '[]',
      '{"apiVersion":1}',
    ])
      expect(() => answer(asked), asked).toThrow('asks for')
  })
})
