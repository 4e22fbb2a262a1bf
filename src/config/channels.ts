// Where people are told that something waits for them: the schema of `channels`. What is sent, and how, is known in
// services/channels.
import { z } from 'zod'
import type { Report } from './problems.ts'
import { isLoopback, secretReference } from './values.ts'

/** https, or http on loopback; no credentials or fragment in it. */
const endpoint = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    context.addIssue('must be an https URL')
    return z.NEVER
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    context.addIssue('plain http is accepted on loopback only: use https')
    return z.NEVER
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    context.addIssue('the URL may carry no user, password or fragment')
    return z.NEVER
  }
  return text
})

const groups = z.array(z.string().min(1).max(256)).max(64).default([])
const mailAddress = z
  .string()
  .max(254)
  .regex(
    /^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+$/,
    'must be an address such as dba@example.com',
  )

const shared = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a channel is named in lower case: a-z, 0-9 and "-"'),
  /** What of a held statement leaves the gateway. */
  show: z.enum(['summary', 'statement']).default('summary'),
  /** Only requests on these resources; none means all. */
  resources: z.array(z.string().min(1).max(63)).max(256).default([]),
  /** Only requests that one of these groups may decide; none means all. */
  approvers: groups,
  /** Private addresses are refused without it: a name must not lead into the network that the gateway guards. */
  allowPrivate: z.boolean().default(false),
  /** A CA of one's own for the other side's certificate. */
  ca: secretReference.optional(),
}

const slack = z.strictObject({
  type: z.literal('slack'),
  ...shared,
  token: secretReference,
  channel: z
    .string()
    .regex(/^[CGD][A-Z0-9]{2,30}$/, 'must be the id of a channel, such as C0123456789'),
  /** With it, the message has buttons, and what is clicked counts as a vote where a policy permits that. */
  signingSecret: secretReference.optional(),
  /** Another Slack than slack.com (GovSlack). */
  api: endpoint.optional(),
})

const teams = z.strictObject({
  type: z.literal('teams'),
  ...shared,
  /** The address is the secret: whoever knows it may post. */
  url: secretReference,
})

const pagerduty = z.strictObject({
  type: z.literal('pagerduty'),
  ...shared,
  routingKey: secretReference,
  severity: z.enum(['critical', 'error', 'warning', 'info']).default('warning'),
  /** Another region than the US. */
  api: endpoint.optional(),
})

const email = z.strictObject({
  type: z.literal('email'),
  ...shared,
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).optional(),
  /** `starttls` asks for it and goes on with nothing less; `tls` begins with it. */
  security: z.enum(['starttls', 'tls']).default('starttls'),
  user: z.string().min(1).max(256).optional(),
  password: secretReference.optional(),
  from: mailAddress,
  to: z.array(mailAddress).min(1).max(50),
})

const webhook = z.strictObject({
  type: z.literal('webhook'),
  ...shared,
  url: endpoint,
  /** `whsec_…` (HMAC) or `whsk_…` (Ed25519); each signs, so that one can be replaced by another. */
  secrets: z.array(secretReference).min(1).max(4),
  /** Signed decisions that come back. */
  decisions: z
    .strictObject({
      /** `whsec_…` (HMAC) or `whpk_…` (Ed25519). */
      secrets: z.array(secretReference).min(1).max(4),
      /** The service decides by itself, as this principal; without it, each decision names a person. */
      approver: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is named in lower case')
        .optional(),
      groups,
    })
    .optional(),
})

const MOST_CHANNELS = 32

export const channelsSchema = z
  .array(z.discriminatedUnion('type', [slack, teams, pagerduty, email, webhook]))
  .max(MOST_CHANNELS)
  .default([])

/** A channel, as checked. */
export type ChannelSettings = z.infer<typeof channelsSchema>[number]
export type ChannelType = ChannelSettings['type']
/** The settings of one type of channel. */
export type SettingsOf<Type extends ChannelType> = Extract<ChannelSettings, { type: Type }>

/** Secrets by absolute path, and what no single setting can tell. */
export function channelsOf(
  written: readonly ChannelSettings[],
  url: string | undefined,
  reference: (text: string) => string,
  report: Report,
): ChannelSettings[] {
  const names = new Set<string>()
  for (const [index, channel] of written.entries()) {
    const path = ['channels', index]
    if (names.has(channel.name)) {
      report([...path, 'name'], `there is another channel "${channel.name}"`)
    }
    names.add(channel.name)
    if (
      channel.type === 'email' &&
      (channel.user === undefined) !== (channel.password === undefined)
    ) {
      report(path, 'user and password belong together')
    }
    if (channel.type === 'webhook' && channel.decisions !== undefined) {
      const { approver, groups: named } = channel.decisions
      if (approver === undefined && named.length > 0) {
        report([...path, 'decisions', 'groups'], 'has no meaning without approver')
      }
    }
  }
  if (written.length > 0 && url === undefined) {
    report(['channels'], 'messages carry no link: set url, where browsers reach the console', {
      severity: 'warning',
      atKey: true,
    })
  }
  return written.map(channel => withReferences(channel, reference))
}

function withReferences(
  channel: ChannelSettings,
  reference: (text: string) => string,
): ChannelSettings {
  const ca = channel.ca === undefined ? {} : { ca: reference(channel.ca) }
  switch (channel.type) {
    case 'slack':
      return {
        ...channel,
        ...ca,
        token: reference(channel.token),
        ...(channel.signingSecret === undefined
          ? {}
          : { signingSecret: reference(channel.signingSecret) }),
      }
    case 'teams':
      return { ...channel, ...ca, url: reference(channel.url) }
    case 'pagerduty':
      return { ...channel, ...ca, routingKey: reference(channel.routingKey) }
    case 'email':
      return {
        ...channel,
        ...ca,
        ...(channel.password === undefined ? {} : { password: reference(channel.password) }),
      }
    case 'webhook':
      return {
        ...channel,
        ...ca,
        secrets: channel.secrets.map(reference),
        ...(channel.decisions === undefined
          ? {}
          : {
              decisions: {
                ...channel.decisions,
                secrets: channel.decisions.secrets.map(reference),
              },
            }),
      }
  }
}
