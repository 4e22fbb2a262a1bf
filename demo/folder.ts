// The demo's folder: short to type, ours alone, gone afterwards. It holds the gateway's configuration and
// data, a file of environment variables per person, and the tokens that these files read.
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { LOGIN_CLIENT } from './issuer.ts'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

export interface DemoAddress {
  readonly postgres: number
  readonly http: number
  readonly console: number
}

/** Makes the folder: `/tmp/sallyport-demo`, or one with a longer name when another demo runs there. */
export function makeFolder(): string {
  const parent = existsSync('/tmp') ? '/tmp' : tmpdir()
  const wanted = join(parent, 'sallyport-demo')
  if (isLeftOver(wanted)) rmSync(wanted, { recursive: true, force: true })
  let folder = wanted
  try {
    mkdirSync(wanted, { mode: 0o700 })
  } catch {
    // It is in use by another demo, or it is not ours: this one gets a name that nobody has.
    folder = mkdtempSync(`${wanted}-`)
  }
  writeFileSync(join(folder, 'pid'), String(process.pid))
  return folder
}

/** True for the folder of a demo of ours whose process is gone. */
function isLeftOver(folder: string): boolean {
  try {
    const status = lstatSync(folder)
    if (!status.isDirectory() || status.uid !== process.getuid?.()) return false
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // No such process: what it left behind can go. Any other doubt leaves the folder alone.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Writes the configuration and the policies; returns the path of the file. */
export function writeConfiguration(
  folder: string,
  at: DemoAddress,
  issuer: string,
  upstream: { port: number; user: string; database: string },
  api: { url: string; key: string },
): string {
  cpSync(join(ROOT, 'demo', 'policies'), join(folder, 'policies'), { recursive: true })
  const file = join(folder, 'sallyport.yaml')
  const configuration = {
    data: './data',
    store: 'embedded',
    listen: {
      console: `127.0.0.1:${at.console}`,
      postgres: `127.0.0.1:${at.postgres}`,
      http: `127.0.0.1:${at.http}`,
    },
    identity: {
      issuers: [
        {
          issuer,
          audience: 'sallyport',
          profile: 'rfc9068',
          groups: 'groups',
          principal: { claim: 'kind', agent: 'agent' },
          owners: 'owners',
          // The files get new tokens every ten minutes; a shell may hold on to its own for longer.
          maxTokenAge: '3h',
        },
      ],
      login: {
        issuer,
        clientId: LOGIN_CLIENT.id,
        clientSecret: 'file:login.secret',
        // Channels know people by their addresses.
        scopes: ['openid', 'profile', 'email'],
      },
    },
    resources: [
      {
        name: 'shop',
        protocol: 'postgres',
        tags: { env: 'production' },
        upstream: {
          host: '127.0.0.1',
          port: upstream.port,
          database: upstream.database,
          tls: 'disable',
        },
        credential: { user: upstream.user, password: 'file:upstream.password' },
        recording: { keep: 'answers', answerBytes: 65536 },
      },
      {
        name: 'billing',
        protocol: 'http',
        upstream: { url: api.url },
        credential: { headers: { 'X-Api-Key': 'file:api.key' } },
      },
    ],
    dataClasses: {
      email: { columns: ['*.email'], detect: 'email', mask: 'partial' },
      phone: { columns: ['*.phone'], detect: 'phone', mask: 'partial' },
      card: { columns: ['*.card'], detect: 'card', mask: 'partial' },
      ssn: { columns: ['public.customers.ssn'], detect: 'us-ssn', mask: 'redact' },
    },
    policies: './policies',
    approvals: { hold: { user: '120s', agent: '120s', transaction: '20s' } },
  }
  writeFileSync(join(folder, 'api.key'), api.key, { mode: 0o600 })
  writeFileSync(join(folder, 'login.secret'), LOGIN_CLIENT.secret, { mode: 0o600 })
  writeFileSync(
    file,
    `# Written by "sallyport demo"; gone when it ends.\n${stringify(configuration)}`,
  )
  return file
}

/** Writes `FOLDER/NAME`, which a shell reads with `.` to become that person. */
export function writePersona(folder: string, name: string, at: DemoAddress): void {
  const lines = [
    `# To be ${name} in this shell:  . ${folder}/${name}`,
    `export PGHOST=127.0.0.1 PGPORT=${at.postgres} PGDATABASE=shop PGUSER=${name}`,
    `export PGSSLMODE=verify-full PGSSLROOTCERT=${folder}/data/ca.pem PGCONNECT_TIMEOUT=10`,
    `export PGPASSWORD="$(cat ${folder}/${name}.token)"`,
    `export SALLYPORT_URL=https://127.0.0.1:${at.console} SALLYPORT_CA=${folder}/data/ca.pem`,
    'export SALLYPORT_TOKEN="$PGPASSWORD"',
    // Tokens change while a shell lives, so each use reads the file again.
    `sallyport() { SALLYPORT_TOKEN="$(cat ${folder}/${name}.token)" ${folder}/bin/sallyport "$@"; }`,
    // What the service of HTTP answers; what a policy refuses is a failure.
    `api() { path=$1; shift; curl -sS --fail-with-body --cacert ${folder}/data/ca.pem -H "Authorization: Bearer $(cat ${folder}/${name}.token)" -H 'Sallyport-Resource: billing' "$@" "https://127.0.0.1:${at.http}$path" || return 1; }`,
    `sql() { ${folder}/bin/sql "$@"; }`,
    '# The id of the newest request that waits, or of the newest session of an agent that has ended.',
    `latest() { sallyport "$1" --json | ${folder}/bin/latest; }`,
    '',
  ]
  writeFileSync(join(folder, name), lines.join('\n'))
}

/** Writes `FOLDER/you`: a shell that has no token yet, to sign in from. */
export function writeVisitor(folder: string, at: DemoAddress): void {
  const lines = [
    `# To sign in yourself:  . ${folder}/you; sallyport login`,
    `export SALLYPORT_URL=https://127.0.0.1:${at.console} SALLYPORT_CA=${folder}/data/ca.pem`,
    // What the command keeps goes with the demo.
    `export XDG_CONFIG_HOME=${folder}/you.config`,
    'unset SALLYPORT_TOKEN',
    `sallyport() { ${folder}/bin/sallyport "$@"; }`,
    '',
  ]
  writeFileSync(join(folder, 'you'), lines.join('\n'))
}

/** Replaces a token at once, so that no reader sees half of one. */
export function writeToken(folder: string, name: string, token: string): void {
  const file = join(folder, `${name}.token`)
  writeFileSync(`${file}.new`, token, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** The programs that the lines call, under one short name. */
export function writePrograms(folder: string): void {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(join(ROOT, 'bin', 'sallyport'), join(bin, 'sallyport'))
  for (const name of ['sql', 'latest', 'slack']) {
    const given = name === 'slack' ? ` "${folder}"` : ''
    const program = `exec node "${ROOT}/bin/node26.cjs" "${ROOT}/demo/${name}.ts"${given} "$@"\n`
    writeFileSync(join(bin, name), `#!/bin/sh\n${program}`)
    chmodSync(join(bin, name), 0o755)
  }
}
