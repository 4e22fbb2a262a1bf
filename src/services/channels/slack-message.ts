// A request in Block Kit. Whatever comes from outside stands in plain_text or in rich_text elements, which Slack shows as
// they are: nothing of it is read as mrkdwn, a mention or a link.
import type { JsonObject } from '#model'
import type { Message } from './channel.ts'
import { facts, heading, when } from './facts.ts'
import { line } from './text.ts'

/** Block Kit's bounds. */
const MOST_HEADER = 150
const MOST_TEXT = 3_000

export const APPROVE = 'sallyport_approve'
export const DENY = 'sallyport_deny'

/** The body of chat.postMessage or chat.update, without the channel. */
export function slackMessage(message: Message, buttons: boolean): JsonObject {
  const { notice, event } = message
  const waits = event === 'asked' || event === 'voted'
  const blocks: JsonObject[] = [
    { type: 'header', text: plainText(line(heading(message), MOST_HEADER)) },
    {
      type: 'rich_text',
      elements: facts(message).map(({ name, value }) => ({
        type: 'rich_text_section',
        elements: [
          { type: 'text', text: `${name}: `, style: { bold: true } },
          { type: 'text', text: value },
        ],
      })),
    },
  ]
  if (notice?.statement !== undefined && waits) {
    blocks.push({
      type: 'rich_text',
      elements: [
        { type: 'rich_text_preformatted', elements: [{ type: 'text', text: notice.statement }] },
      ],
    })
  }
  if (notice !== undefined && waits) {
    blocks.push({
      type: 'context',
      elements: [plainText(`Can be decided until ${when(notice.expiresAt)}.`)],
    })
    const actions = actionsOf(message, buttons)
    if (actions.length > 0) blocks.push({ type: 'actions', elements: actions })
  }
  // Notifications show `text`, as mrkdwn.
  return {
    text: escaped(heading(message)),
    blocks,
    unfurl_links: false,
    unfurl_media: false,
  }
}

/** Only to whoever clicked. */
export function slackWords(words: string): JsonObject {
  const shown = line(words, MOST_TEXT)
  return { text: escaped(shown), blocks: [{ type: 'section', text: plainText(shown) }] }
}

function actionsOf({ notice, nonce }: Message, buttons: boolean): JsonObject[] {
  if (notice === undefined) return []
  const value = `${notice.request} ${nonce}`
  // A review is closed with words of one's own, which a button has none of.
  const votes = buttons && notice.kind !== 'review'
  const found: JsonObject[] = []
  // Who has not seen all of it has not approved it: then the page is the place.
  if (votes && notice.whole) {
    found.push({
      type: 'button',
      action_id: APPROVE,
      style: 'primary',
      text: plainText('Approve'),
      value,
      confirm: {
        title: plainText('Approve this?'),
        text: plainText(line(notice.title, 300)),
        confirm: plainText('Approve'),
        deny: plainText('Not now'),
      },
    })
  }
  if (votes) {
    found.push({ type: 'button', action_id: DENY, style: 'danger', text: plainText('Deny'), value })
  }
  if (notice.link !== undefined) {
    found.push({
      type: 'button',
      action_id: 'sallyport_open',
      text: plainText('Open the request'),
      url: notice.link,
    })
  }
  return found
}

function plainText(text: string): JsonObject {
  return { type: 'plain_text', text, emoji: false }
}

/** The three characters that mrkdwn gives a meaning which could be misused: mentions, links, entities. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
