// What an end-to-end test of shells stands on: a real sshd, an issuer, the gateway between, and OpenSSH's own client.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Issuer, LOGIN_CLIENT, startIssuer } from '../../demo/index.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { freePort } from '../servers/ports.ts'
import { type Ran, type RunOptions, run } from '../servers/programs.ts'
import { type RunningSshd, startSshd } from '../servers/sshd.ts'

export interface ShellStage {
  readonly sshd: RunningSshd
  readonly issuer: Issuer
  readonly gateway: RunningGateway
  /** A folder of the test's own, on the only machine there is. */
  readonly folder: string
  token(client: string): Promise<string>
  /** `ID:SECRET` of a new ephemeral credential. */
  credential(client?: string, resource?: string): Promise<string>
  /** OpenSSH's options and environment to come in with that password. */
  options(): readonly string[]
  environment(password: string): Record<string, string>
  /** ssh, as the agent. */
  ssh(args: readonly string[], options?: RunOptions): Promise<Ran>
  stop(): Promise<void>
}

export const POLICIES = `
@id("runs")
permit (principal, action in [Action::"connect", Action::"execute"], resource in Resource::"web-1");
@id("nobody-deletes")
@reason("files are not deleted here")
forbid (principal, action, resource == Object::"web-1/rm");
@id("a-person-for-restarts")
@approvers("dba") @reason("restarts need a person")
forbid (principal is Agent, action, resource == Object::"web-1/restart") unless { context.approved };
@id("auditors")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit", Action::"console:operate"], resource);
`

export async function startShellStage(
  settings: Readonly<Record<string, unknown>> = {},
  policies = '',
  {
    resources = [],
    people = false,
    prepare,
  }: {
    readonly resources?: readonly object[] /** They sign in with browsers. */
    readonly people?: boolean
    /** More of sshd_config(5). */
    readonly prepare?: Parameters<typeof startSshd>[0]
  } = {},
): Promise<ShellStage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-shell-'))
  const consolePort = await freePort()
  const callback = `https://127.0.0.1:${consolePort}/auth/callback`
  const [sshd, issuer] = await Promise.all([startSshd(prepare), startIssuer({ callback })])
  const login = { issuer: issuer.url, clientId: LOGIN_CLIENT.id, clientSecret: 'env:LOGIN_SECRET' }
  const upstream = { host: '127.0.0.1', port: sshd.port, hostKeys: [sshd.hostKey] }
  const credential = { user: sshd.user, privateKey: `file:${sshd.key}` }
  const gateway = await startGateway({
    issuers: [issuerEntry(issuer.url)],
    resources: [
      { name: 'web-1', protocol: 'ssh', upstream, credential },
      {
        name: 'impostor',
        protocol: 'ssh',
        upstream: { ...upstream, hostKeys: [OTHER_KEY] },
        credential,
      },
      // What is typed there is kept.
      { name: 'desk', protocol: 'ssh', upstream, credential, recording: { input: true } },
      ...resources,
    ],
    policies: {
      'shell.cedar': `${POLICIES}${policies}@id("too") permit (principal, action, resource in Resource::"impostor");@id("desk") permit (principal, action, resource in Resource::"desk");`,
    },
    dataClasses: { email: { detect: 'email', mask: 'redact' } },
    listener: 'ssh',
    consolePort,
    env: { LOGIN_SECRET: LOGIN_CLIENT.secret },
    settings: {
      approvals: { hold: { user: '20s', agent: '20s' } },
      ...(people ? { identity: { issuers: [issuerEntry(issuer.url)], login } } : {}),
      ...settings,
    },
  })
  const ask = join(folder, 'ask')
  writeFileSync(ask, '#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n')
  chmodSync(ask, 0o755)
  /** One for all that come in by `ssh`: it lasts longer than the tests. */
  let shared: Promise<string> | undefined
  const stage: ShellStage = {
    sshd,
    issuer,
    gateway,
    folder,
    token: client => issuer.token({ client }),
    async credential(client = 'order-bot', resource = 'web-1') {
      const token = await issuer.token({ client })
      const made = await gateway.cli(['credential', resource, '--json'], token, 60_000)
      if (made.code !== 0) throw new Error(made.stderr)
      const { id, secret }: { id: string; secret: string } = JSON.parse(made.stdout)
      return `${id}:${secret}`
    },
    options: () => [
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      `UserKnownHostsFile=${join(folder, 'known_hosts')}`,
      '-o',
      'LogLevel=ERROR',
      '-o',
      'NumberOfPasswordPrompts=1',
    ],
    environment: password => ({
      SSH_ASKPASS: ask,
      SSH_ASKPASS_REQUIRE: 'force',
      TEST_PASSWORD: password,
    }),
    async ssh(args, options = {}) {
      shared ??= stage.credential()
      const env = { ...stage.environment(await shared), ...options.env }
      return run('ssh', [...stage.options(), '-p', String(gateway.port), ...args], {
        ...options,
        env,
      })
    },
    async stop() {
      await gateway.remove()
      await Promise.all([issuer.stop(), sshd.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return stage
}

/** A well-formed key that no server here has. */
const OTHER_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvYm9ib2JvYm9ib2JvYm9ib2JvYm9ib2JvYm9ib2JvYm8='
