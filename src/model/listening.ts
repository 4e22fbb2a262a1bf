import { ConfigurationError } from './errors.ts'

/** What is told of an address that cannot be listened on. */
export function cannotListen(host: string, port: number, cause: unknown): ConfigurationError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const why = REASONS[code] ?? (code || 'it failed')
  return new ConfigurationError(
    'configuration_invalid',
    `cannot listen on ${host}:${port}: ${why}`,
    { cause },
  )
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not permitted (ports below 1024 need a privilege)',
  ENOTFOUND: 'no such host name',
}
