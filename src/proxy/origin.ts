// Where an upstream's connections lead, and what they have to prove, as a resource's settings say it.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { UpstreamError } from '#model'
import type { UpstreamOrigin } from '#transport/http'

/** What operators say of any upstream on HTTP, besides its address. */
export const originFields = {
  tls: z.enum(['verify-full', 'verify-ca', 'require']).default('verify-full'),
  /** Who signs the upstream's certificate: `file:PATH` (config makes PATH absolute) or the PEM text itself. */
  ca: z
    .string()
    .regex(
      /^(file:.+|-----BEGIN CERTIFICATE-----[\s\S]+)$/,
      'expected file:PATH or a PEM certificate',
    )
    .optional(),
  version: z.enum(['1.1', '2']).default('1.1'),
  /** Addresses that the host may have besides public ones: `loopback`, `private`, `link-local`, or CIDRs. */
  addresses: z.array(z.string().min(1).max(64)).max(64).default([]),
}

export interface UpstreamSettings {
  /** `https://host[:port]`; what follows does not matter here. */
  readonly url: string
  readonly tls: 'verify-full' | 'verify-ca' | 'require'
  readonly ca?: string | undefined
  readonly version: '1.1' | '2'
  readonly addresses: readonly string[]
}

/** `cert`, `key`: PEM, of a TLS client. Throws UpstreamError. */
export async function originOf(
  settings: UpstreamSettings,
  cert?: string,
  key?: string,
): Promise<UpstreamOrigin> {
  const { protocol, hostname, port } = new URL(settings.url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'https:'
  const ca = await caText(settings)
  return {
    host,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    version: settings.version,
    allowAddresses: [...named(host), ...settings.addresses],
    ...(secure
      ? {
          tls: {
            mode: settings.tls,
            servername: host,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
          },
        }
      : {}),
  }
}

/** An address that the URL itself gives is named by it. */
function named(host: string): readonly string[] {
  if (host === 'localhost') return ['loopback']
  if (/^\d+(?:\.\d+){3}$/.test(host)) return [`${host}/32`]
  return host.includes(':') ? [`${host}/128`] : []
}

async function caText({ ca }: Pick<UpstreamSettings, 'ca'>): Promise<string | undefined> {
  if (ca === undefined || !ca.startsWith('file:')) return ca
  try {
    return await readFile(ca.slice('file:'.length), 'utf8')
  } catch (cause) {
    // Without it the certificate cannot be checked as the operator wants: not reachable, not unchecked.
    throw new UpstreamError('upstream_unreachable', 'the CA file of the resource cannot be read', {
      cause,
    })
  }
}
