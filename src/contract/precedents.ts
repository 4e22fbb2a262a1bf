// What was decided before of statements like one that waits: an approver sees how others, and they themselves, decided.
import { z } from 'zod'
import { accessRequest } from './requests.ts'

export const precedent = accessRequest
  .pick({ id: true, state: true, principal: true, statement: true, votes: true, createdAt: true })
  .extend({
    /** `same`: these very words, values and principal; `text`: the same words; `alike`: the same operations on the same objects. */
    likeness: z.enum(['same', 'text', 'alike']),
  })
