// The time of a replay: as it was, but nobody waits through a coffee break. Pauses count as long as `longest` at most.
export interface Moment {
  /** When something begins, in Unix ms. */
  readonly at: number
  /** Until when it keeps somebody busy; the same when nothing is known. */
  readonly until: number
}

export interface Clock {
  /** How long it plays, in ms. */
  readonly length: number
  /** Where a time stands in the replay. */
  toPlay(at: number): number
  /** The time that stands there. */
  toTime(played: number): number
}

export const LONGEST_PAUSE_MS = 2_000

interface Stretch {
  readonly at: number
  readonly until: number
  readonly play: number
  readonly rate: number
}

/** `from`: when it begins. Times before and after all of it are its first and last. */
export function clockOf(
  moments: readonly Moment[],
  from: number,
  longest = LONGEST_PAUSE_MS,
): Clock {
  const stretches: Stretch[] = []
  let at = from
  let play = 0
  const add = (until: number, rate: number): void => {
    if (until <= at) return
    stretches.push({ at, until, play, rate })
    play += (until - at) * rate
    at = until
  }
  for (const moment of moments) {
    const pause = moment.at - at
    add(moment.at, pause > longest ? longest / pause : 1)
    const busy = moment.until - at
    add(moment.until, busy > longest ? longest / busy : 1)
  }
  // A recording of one moment has a length all the same, or nothing could be seen of it.
  const length = Math.max(play, 1)
  const last = at
  return {
    length,
    toPlay(time) {
      const found = findLast(stretches, each => each.at <= time)
      if (found === undefined) return 0
      return found.play + (Math.min(time, found.until) - found.at) * found.rate
    },
    toTime(played) {
      const found = findLast(stretches, each => each.play <= played)
      if (found === undefined) return from
      return Math.min(last, found.at + (played - found.play) / found.rate, found.until)
    },
  }
}

/** The place of the last one for which it is true: it is true of the first ones and then never again. */
export function lastIndex<Each>(all: readonly Each[], fits: (each: Each) => boolean): number {
  let low = 0
  let high = all.length
  while (low < high) {
    const middle = (low + high) >> 1
    const each = all[middle]
    if (each !== undefined && fits(each)) low = middle + 1
    else high = middle
  }
  return low - 1
}

function findLast<Each>(all: readonly Each[], fits: (each: Each) => boolean): Each | undefined {
  return all[lastIndex(all, fits)]
}
