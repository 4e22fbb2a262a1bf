// The words of a message that every target shares: a heading and named facts, each on one line.
import type { Message } from './channel.ts'

export interface Fact {
  readonly name: string
  readonly value: string
}

export function heading({ event, notice }: Message): string {
  if (notice === undefined) return 'A test of this channel'
  if (event === 'decided') return `${sentence(notice.outcome ?? notice.state)}: ${notice.title}`
  return notice.title
}

export function facts({ event, notice }: Message): readonly Fact[] {
  if (notice === undefined) {
    return [
      { name: 'test', value: 'An operator sent this to see it arrive. Nothing is to be done.' },
    ]
  }
  const found: Fact[] = [{ name: 'request', value: notice.request }]
  if (event === 'decided') return found
  found.push(
    { name: 'who', value: notice.who },
    { name: 'resource', value: notice.resource },
    { name: 'what', value: notice.what },
    { name: 'held', value: `${notice.held} (${notice.policies.join(', ')})` },
    { name: 'may decide', value: notice.approvers },
  )
  if (notice.yes !== undefined) found.push({ name: 'said yes so far', value: notice.yes })
  if (notice.reason !== undefined) {
    found.push({ name: 'says the asker, unverified', value: notice.reason })
  }
  if (notice.statementLeft > 0) {
    found.push({
      name: 'CUT',
      value: `${notice.statementLeft} more characters of the statement are on the request's page: read them first`,
    })
  }
  if (notice.values > 0) {
    found.push({
      name: 'bound values',
      value: `${notice.values}, shown on the request's page alone`,
    })
  }
  if (notice.link === undefined) {
    const command = notice.kind === 'review' ? 'review' : 'approve'
    found.push({
      name: 'decide',
      value: `in the console, or: sallyport ${command} ${notice.request}`,
    })
  }
  return found
}

/** A time that means the same to all readers. */
export function when(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}
