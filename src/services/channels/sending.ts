// What the channels that speak HTTPS have in common: secrets on loan, and one guarded POST of JSON.
import type { ChannelSettings } from '#config'
import type { ChannelTools } from './channel.ts'
import { type Posted, post } from './post.ts'

/** The secret behind a reference, for the length of `use`. */
export async function withSecret<Result>(
  tools: ChannelTools,
  reference: string,
  use: (secret: string) => Promise<Result> | Result,
): Promise<Result> {
  const secret = await tools.secret(reference)
  try {
    return await use(secret.reveal().trim())
  } finally {
    secret.wipe()
  }
}

/** As withSecret, for several. */
export async function withSecrets<Result>(
  tools: ChannelTools,
  references: readonly string[],
  use: (secrets: readonly string[]) => Promise<Result> | Result,
): Promise<Result> {
  const secrets = await Promise.all(references.map(reference => tools.secret(reference)))
  try {
    return await use(secrets.map(secret => secret.reveal().trim()))
  } finally {
    for (const secret of secrets) secret.wipe()
  }
}

export async function postJson(
  settings: ChannelSettings,
  tools: ChannelTools,
  call: {
    readonly url: URL
    readonly body: unknown
    readonly headers?: Readonly<Record<string, string>>
    readonly signal: AbortSignal
  },
): Promise<Posted> {
  const ca =
    settings.ca === undefined
      ? undefined
      : await withSecret(tools, settings.ca, certificate => certificate)
  return post(call.url, {
    body: typeof call.body === 'string' ? call.body : JSON.stringify(call.body),
    headers: { 'content-type': 'application/json; charset=utf-8', ...call.headers },
    allowPrivate: settings.allowPrivate,
    ca,
    signal: call.signal,
    now: tools.now,
  })
}

/** A secret that should be an address. The refusal never repeats it. */
export function addressOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined
}
