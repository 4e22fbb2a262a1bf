// What `doctor` says of where resources are: whether anybody answers, and proves its name where TLS comes first.
import { readFile } from 'node:fs/promises'
import { dialTcp, type TlsMode, upgradeToTls } from '#transport'

export const DIAL_MS = 3_000

export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

interface Place {
  readonly host: string
  readonly port: number
  /** Undefined: no TLS, or not from the first byte on. */
  readonly tls?: { readonly mode: TlsMode; readonly ca: string | undefined }
}

/** `upstream`: as the protocol's schema left it. */
export async function reaches(what: string, upstream: unknown): Promise<Finding> {
  const place = placeOf(upstream)
  if (place === undefined) return { what, ok: true, detail: 'not a host and port: not tried' }
  const at = `${place.host}:${place.port}`
  try {
    await greet(place)
    return { what, ok: true, detail: `${at} answers` }
  } catch (error) {
    // The finding is the point: it is reported.
    const why = error instanceof Error ? error.message : String(error)
    return { what, ok: false, detail: `${at}: ${why}` }
  }
}

async function greet({ host, port, tls }: Place): Promise<void> {
  const ca = tls?.ca?.startsWith('file:')
    ? await readFile(tls.ca.slice('file:'.length), 'utf8')
    : tls?.ca
  const socket = await dialTcp(host, port, { timeoutMs: DIAL_MS })
  if (tls === undefined) {
    socket.destroy()
    return
  }
  const secured = await upgradeToTls(socket, {
    mode: tls.mode,
    servername: host,
    ...(ca === undefined ? {} : { ca }),
    timeoutMs: DIAL_MS,
  })
  secured.destroy()
}

function placeOf(upstream: unknown): Place | undefined {
  if (typeof upstream !== 'object' || upstream === null) return undefined
  const fields = upstream as { readonly [field: string]: unknown }
  const { host, port, url, server = url, ca, tls } = fields
  if (typeof host === 'string' && typeof port === 'number') return { host, port }
  if (typeof server !== 'string' || !URL.canParse(server)) return undefined
  const { hostname, protocol, port: given } = new URL(server)
  const name = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') return { host: name, port: Number(given || 80) }
  const mode = tls === 'verify-ca' || tls === 'require' ? tls : 'verify-full'
  return {
    host: name,
    port: Number(given || 443),
    tls: { mode, ca: typeof ca === 'string' ? ca : undefined },
  }
}
