// A cluster's certificates: its authority, the server's, and one for each client that is named.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificates {
  /** Paths. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  client(name: string): { readonly cert: string; readonly key: string }
}

/** `clients`: a name and the groups (organisations) that its certificate says. */
export function makeCertificates(
  folder: string,
  clients: Readonly<Record<string, readonly string[]>> = {},
): Certificates {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout']
  const make = (name: string, subject: string, extensions: string, serial: number) => {
    writeFileSync(join(folder, `${name}.ext`), extensions)
    openssl('req', ...key, `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
    const signed = ['-CA', 'cluster-ca.pem', '-CAkey', 'cluster-ca.key', '-set_serial', `${serial}`]
    const wish = ['-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, '-days', '2']
    openssl('x509', ...wish, ...signed, '-out', `${name}.pem`)
  }
  openssl(
    'req',
    '-x509',
    ...key,
    'cluster-ca.key',
    '-out',
    'cluster-ca.pem',
    '-subj',
    '/CN=cluster',
  )
  make('cluster', '/CN=kube-apiserver', 'subjectAltName=IP:127.0.0.1,DNS:localhost', 2)
  Object.entries(clients).forEach(([name, groups], index) => {
    const subject = `/CN=${name}${groups.map(group => `/O=${group}`).join('')}`
    make(name, subject, 'basicConstraints=CA:false\nextendedKeyUsage=clientAuth', index + 3)
  })
  const at = (name: string) => join(folder, name)
  return {
    ca: at('cluster-ca.pem'),
    cert: at('cluster.pem'),
    key: at('cluster.key'),
    client: name => ({ cert: at(`${name}.pem`), key: at(`${name}.key`) }),
  }
}
