// Who was told of what waits for people, or could not be, is evidence. A test is not.
import type { AuditEntry } from '#model'
import type { Delivery } from './deliveries.ts'

export function toldEntry({
  channel,
  event,
  request,
  id,
  state,
  attempts,
  error,
}: Delivery): AuditEntry {
  return {
    kind: 'request.told',
    details: {
      channel,
      message: id,
      event,
      state: state === 'waiting' ? 'delayed' : state,
      attempts,
      ...(request === undefined ? {} : { request }),
      ...(error === undefined ? {} : { error }),
    },
  }
}
