// Where hidden values may go (standards 5.2.4): nowhere that they could be read from, except to columns that hide
// them just as well.
import type { DataClass, Lineage, Transfer } from '#model'
import { type Exposed, type Hides, hiddenAmong, type Untold } from './hidden.ts'

export interface TransferRuling {
  /** What carries them; undefined: it cannot be told. */
  readonly by: string | undefined
  /** Undefined: nothing hidden goes anywhere. */
  readonly hidden: Exposed | undefined
  readonly outcome: 'free' | 'refused'
}

/** True for methods that show nothing of a value, whatever was made of it before it was stored. */
function showsNothing(mask: DataClass['mask']): boolean {
  return mask === 'redact' || mask === 'null' || (typeof mask === 'object' && 'fixed' in mask)
}

export function judgeTransfer(transfer: Transfer, hides: Hides, untold: Untold): TransferRuling {
  const { by, how, sources, to } = transfer
  const hidden = how === 'unknown' ? untold() : hiddenAmong(sources, hides)
  if (hidden === undefined) return { by, hidden, outcome: 'free' }
  const target = to === undefined ? undefined : hides(to)
  const [only] = hidden.classes
  // What is made of a value must not come out where a part of it is shown (reverse(email) into email).
  const kept =
    target !== undefined &&
    hidden.classes.length === 1 &&
    only?.name === target.name &&
    how !== 'unknown' &&
    (how === 'identity' || showsNothing(target.mask))
  return { by, hidden, outcome: kept ? 'free' : 'refused' }
}

/** One for each transfer of a statement. `writes`: it does more than read. */
export function judgeTransfers(
  { transfers }: Pick<Lineage, 'transfers'>,
  writes: boolean,
  hides: Hides,
  untold: Untold,
): readonly TransferRuling[] {
  if (transfers !== 'unknown') return transfers.map(each => judgeTransfer(each, hides, untold))
  const hidden = writes ? untold() : undefined
  return hidden === undefined ? [] : [{ by: undefined, hidden, outcome: 'refused' }]
}
