// E-mail by SMTP, as plain text: there is no markup that words from outside could use. TLS is never optional.
import { isIP } from 'node:net'
import type { ChannelSettings, SettingsOf } from '#config'
import type { JsonObject } from '#model'
import { targetOf } from './addresses.ts'
import { type Channel, type ChannelTools, DeliveryFailed, type Message } from './channel.ts'
import { facts, heading, when } from './facts.ts'
import { withSecret } from './sending.ts'

const TIMEOUT_MS = 15_000
const PORTS = { starttls: 587, tls: 465 } as const

export class EmailChannel implements Channel {
  readonly settings: ChannelSettings
  readonly target: string
  readonly #settings: SettingsOf<'email'>
  readonly #tools: ChannelTools

  constructor(settings: SettingsOf<'email'>, tools: ChannelTools) {
    this.settings = settings
    this.#settings = settings
    this.#tools = tools
    const { to, host } = settings
    this.target = `${to.length === 1 ? to[0] : `${to.length} addresses`} by ${host}`
  }

  async send(message: Message, signal: AbortSignal): Promise<JsonObject> {
    const { host, port, security, user, password, ca } = this.#settings
    const { address } = await targetOf(host, this.#settings.allowPrivate)
    const certificate = ca === undefined ? undefined : await withSecret(this.#tools, ca, pem => pem)
    const pass =
      password === undefined ? undefined : await withSecret(this.#tools, password, text => text)
    // With the first mail: whoever sends none does not carry it.
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      // The address that was judged; the certificate is still the name's.
      host: address,
      port: port ?? PORTS[security],
      secure: security === 'tls',
      requireTLS: true,
      tls: {
        ...(isIP(host) === 0 ? { servername: host } : {}),
        minVersion: 'TLSv1.2',
        ...(certificate === undefined ? {} : { ca: certificate }),
      },
      ...(user === undefined || pass === undefined ? {} : { auth: { user, pass } }),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: false,
    })
    const end = () => transport.close()
    signal.addEventListener('abort', end, { once: true })
    try {
      const { messageId } = await transport.sendMail(mailOf(message, this.#settings))
      return { messageId }
    } catch (error) {
      throw failureOf(error)
    } finally {
      signal.removeEventListener('abort', end)
      transport.close()
    }
  }
}

function mailOf(message: Message, { from, to }: SettingsOf<'email'>) {
  const domain = from.slice(from.lastIndexOf('@') + 1)
  const first = message.earlier?.['messageId']
  return {
    from: { name: 'Sallyport', address: from },
    to: to.map(address => ({ name: '', address })),
    subject: heading(message),
    text: bodyOf(message),
    // The same however often it is tried: a mail program shows it once.
    messageId: `<${message.id}@${domain}>`,
    ...(typeof first === 'string' ? { inReplyTo: first, references: first } : {}),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  }
}

function bodyOf(message: Message): string {
  const { notice, event } = message
  const lines = facts(message).map(({ name, value }) => `${name}: ${value}`)
  if (notice?.statement !== undefined && event === 'asked') {
    // Quoted, so that no line of it can pass for one of ours.
    lines.push('', 'statement:', ...notice.statement.split('\n').map(each => `> ${each}`))
  }
  if (notice !== undefined && event === 'asked') {
    lines.push('', `Can be decided until ${when(notice.expiresAt)}.`)
  }
  if (notice?.link !== undefined) lines.push('', notice.link)
  return `${lines.join('\n')}\n`
}

/** Words of the server stay out: they may quote the message. Its code tells enough. */
function failureOf(error: unknown): DeliveryFailed {
  if (error instanceof DeliveryFailed) return error
  const status = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
  if (code === 'EAUTH') return new DeliveryFailed('the server refused user and password')
  if (code === 'ETLS')
    return new DeliveryFailed('the server does not offer TLS, or cannot prove its name')
  // RFC 5321 section 4.2.1: 5yz is for good. But rights and relaying are mended while we wait.
  const final = [552, 553, 554, 555].includes(status)
  const why = error instanceof Error && code === 'ESOCKET' ? connectionFailure(error) : undefined
  const words = status > 0 ? `the server answered ${status}` : (why ?? lateness(code))
  return new DeliveryFailed(words, { final })
}

/** Why there was no connection: told apart by words of Node and its TLS alone, which are not repeated. */
function connectionFailure({ message }: Error): string | undefined {
  if (/certificate/i.test(message))
    return 'the server cannot prove its name: its certificate is of another name, or of an authority that `ca` has to name'
  if (message.includes('wrong version number'))
    return 'the server does not begin with TLS: `security: starttls`, or another port'
  const [code] = /\bE[A-Z]{4,16}\b/.exec(message) ?? []
  return code === undefined ? undefined : `the server cannot be reached (${code})`
}

function lateness(code: string): string {
  return code === 'ETIMEDOUT'
    ? 'the server said nothing: is it SMTP, and TLS as `security` says?'
    : `it could not be sent (${code})`
}
