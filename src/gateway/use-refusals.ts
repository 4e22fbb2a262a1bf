// The words of refusals over masked values: why, and what would be permitted. No values.
import { AccessDenied } from '#model'

/** A refusal, and what of it goes on record besides its code. */
export interface UseRefusal {
  readonly error: AccessDenied
  readonly columns: readonly string[]
  readonly classes: readonly string[]
}

/** Our own mask is to be stored, or asked about. */
export function markRefused(): AccessDenied {
  return new AccessDenied(
    'mask_written_back',
    'this carries a mask where a value should be: the value was hidden from you',
    { hint: 'Name only the columns that you mean to change, with values of your own.' },
  )
}
