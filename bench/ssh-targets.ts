// One sshd, reached directly and through Sallyport. Directly with a key, through the gateway with an ephemeral secret.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startIssuer } from '../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../test/servers/gateway.ts'
import { startSshd } from '../test/servers/sshd.ts'
import type { Target } from './method.ts'

export interface SshTarget extends Target {
  /** Of `ssh` and `sftp` alike; the host is `bench`. */
  readonly options: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface SshTargets {
  readonly direct: SshTarget
  /** Direct access once more: what the machine's noise makes of two equal things. */
  readonly control: SshTarget
  /** As resources are by default: of each output 64 KiB are kept. */
  readonly sallyport: SshTarget
  /** All that is shown is kept in the recording. */
  readonly keeping: SshTarget
  /** With all detectors on what is shown. */
  readonly scanning: SshTarget
  stop(): Promise<void>
}

const POLICY = `
@id("bench-does-all")
permit (principal is Agent, action in [Action::"connect", Action::"read", Action::"write", Action::"execute"], resource);
`
const DETECTORS = ['email', 'card', 'us-ssn', 'phone', 'iban', 'jwt', 'private-key', 'cloud-key']

export async function startSshTargets(): Promise<SshTargets> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const each of stops.reverse()) await each()
  }
  try {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
    stops.push(async () => rmSync(folder, { recursive: true, force: true }))
    const sshd = await startSshd()
    stops.push(() => sshd.stop())
    const issuer = await startIssuer()
    stops.push(() => issuer.stop())
    const upstream = { host: '127.0.0.1', port: sshd.port, hostKeys: [sshd.hostKey] }
    const credential = { user: sshd.user, privateKey: `file:${sshd.key}` }
    const resource = { protocol: 'ssh', upstream, credential }
    const gatewayWith = async (dataClasses: object) => {
      const gateway = await startGateway({
        issuers: [issuerEntry(issuer.url)],
        resources: [
          { ...resource, name: 'bench' },
          { ...resource, name: 'kept', recording: { keep: 'answers', answerBytes: '1GiB' } },
        ],
        policies: { 'bench.cedar': POLICY },
        dataClasses,
        listener: 'ssh',
      })
      stops.push(() => gateway.remove())
      return gateway
    }
    const ask = join(folder, 'ask')
    writeFileSync(ask, '#!/bin/sh\necho "$BENCH_PASSWORD"\n')
    chmodSync(ask, 0o755)
    const common = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
      'LogLevel=ERROR',
      'HostName=127.0.0.1',
    ]
    const target = (
      port: number,
      user: string,
      more: readonly string[],
    ): Omit<SshTarget, 'name' | 'pids'> => ({
      port,
      user,
      database: '',
      password: '',
      options: [`User=${user}`, `Port=${port}`, ...common, ...more].flatMap(each => ['-o', each]),
      environment: {},
    })
    const direct = {
      ...target(sshd.port, sshd.user, [`IdentityFile=${sshd.key}`, 'IdentitiesOnly=yes']),
      pids: [],
    }
    const through = async (gateway: RunningGateway, name: string): Promise<SshTarget> => {
      const token = await issuer.token({ client: 'order-bot' })
      const made = await gateway.cli(['credential', name, '--json'], token, 60_000)
      if (made.code !== 0) throw new Error(made.stderr)
      const { id, secret }: { id: string; secret: string } = JSON.parse(made.stdout)
      return {
        ...target(gateway.port, name, ['PreferredAuthentications=password']),
        name: 'sallyport',
        pids: [gateway.pid],
        environment: {
          SSH_ASKPASS: ask,
          SSH_ASKPASS_REQUIRE: 'force',
          BENCH_PASSWORD: `${id}:${secret}`,
        },
      }
    }
    const usual = await gatewayWith({ email: { columns: ['*.big.email'], mask: 'redact' } })
    const looking = await gatewayWith(
      Object.fromEntries(DETECTORS.map(detect => [detect, { detect, mask: 'redact' }])),
    )
    return {
      direct: { ...direct, name: 'direct' },
      control: { ...direct, name: 'direct again' },
      sallyport: await through(usual, 'bench'),
      keeping: await through(usual, 'kept'),
      scanning: await through(looking, 'bench'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
