// Which file speaks to which target: the whole list.
import type { ChannelSettings } from '#config'
import type { Channel, ChannelTools } from './channel.ts'
import { EmailChannel } from './email.ts'
import { PagerDutyChannel } from './pagerduty.ts'
import { SlackChannel } from './slack.ts'
import { TeamsChannel } from './teams.ts'
import { WebhookChannel } from './webhook.ts'

export function createChannel(settings: ChannelSettings, tools: ChannelTools): Channel {
  switch (settings.type) {
    case 'slack':
      return new SlackChannel(settings, tools)
    case 'teams':
      return new TeamsChannel(settings, tools)
    case 'pagerduty':
      return new PagerDutyChannel(settings, tools)
    case 'email':
      return new EmailChannel(settings, tools)
    case 'webhook':
      return new WebhookChannel(settings, tools)
  }
}
