// Which streams a client may open in a connection of SPDY, and who governs each.
import { ProtocolError } from '#model'
import { CHANNELS, type Channel, type Command } from './command.ts'
import type { Forward } from './forward.ts'
import type { SpdyRules } from './spdy-relay.ts'

/** 256 connections at once. */
const MOST_FORWARDED = 512

/** Each stream says its type, and is there once. */
export function commandRules(command: Command): SpdyRules {
  return {
    mostStreams: CHANNELS.length,
    opens(_id, headers, ways) {
      const type = headers.get('streamtype') ?? ''
      if (!isChannel(type)) throw new ProtocolError('protocol_violation', 'SPDY: no such stream')
      return { governor: command.open(type, ways), headers: new Map([['streamtype', type]]) }
    },
    flush: () => command.flush(),
  }
}

export function forwardRules(forward: Forward): SpdyRules {
  return {
    mostStreams: MOST_FORWARDED,
    opens: (_id, headers, ways) => forward.opens(headers, ways),
    flush: () => forward.flush(),
  }
}

function isChannel(type: string): type is Channel {
  return CHANNELS.some(channel => channel === type)
}
