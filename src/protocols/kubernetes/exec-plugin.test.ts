import { expect, it } from 'vitest'
import { askPlugin } from './exec-plugin.ts'

const node = (code: string, environment = {}) =>
  askPlugin({ command: [process.execPath, '-e', code] }, environment)
const prints = (value: unknown) => `console.log(${JSON.stringify(JSON.stringify(value))})`
const credential = (status: object, apiVersion = 'client.authentication.k8s.io/v1') => ({
  kind: 'ExecCredential',
  apiVersion,
  status,
})

it('gives what the program says', async () => {
  const given = await node(
    prints(credential({ token: 't0ken', expirationTimestamp: '2026-01-01T00:00:00Z' })),
  )
  expect(given).toMatchObject({ token: 't0ken', expiresAt: Date.UTC(2026, 0, 1) })
  const older = credential(
    { clientCertificateData: 'cert', clientKeyData: 'key' },
    'client.authentication.k8s.io/v1beta1',
  )
  expect(await node(prints(older))).toMatchObject({ certificate: 'cert', key: 'key' })
})

it('tells the program what it may know, and nothing else of ours', async () => {
  process.env['OURS'] = 'secret'
  const said =
    'console.log(JSON.stringify({kind:"ExecCredential",apiVersion:JSON.parse(process.env.KUBERNETES_EXEC_INFO).apiVersion,status:{token:JSON.stringify([process.env.OURS,process.env.THEIRS])}}))'
  expect(await node(said, { THEIRS: 'given' })).toMatchObject({ token: '[null,"given"]' })
  delete process.env['OURS']
})

it.each([
  ['no JSON', 'console.log("s3cret")'],
  ['no ExecCredential', prints({ kind: 'Pod', token: 's3cret' })],
  ['neither a token nor', prints(credential({ clientCertificateData: 's3cret' }))],
  ['ended with 3', 'console.error("s3cret"); process.exit(3)'],
])('is refused, and its words are not told: %s', async (why, code) => {
  const failed = await node(code).catch((error: Error) => error)
  expect(failed).toMatchObject({ message: expect.stringContaining(why) })
  expect(String(failed)).not.toContain('s3cret')
})

it('says that there is no such program', async () => {
  await expect(askPlugin({ command: ['/nowhere/plugin'] }, {})).rejects.toThrow('no such program')
})

it('is over with a program that says too much, and does not end when it is asked to', async () => {
  const deaf = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1_000)'
  const failed = await node(`${deaf}; console.log("x".repeat(300_000))`).catch(
    (error: Error) => error,
  )
  expect(failed).toMatchObject({ message: expect.stringContaining('it says too much') })
})
