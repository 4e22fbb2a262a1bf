// Which answer is being masked: detectors and maskers that come from elsewhere have a budget for each. Calls are
// synchronous, so that one place holds it for all.

/** What one answer has cost so far, in a plugin's time. */
export interface Answer {
  spentMs: number
}

let inHand: Answer = { spentMs: 0 }

/** From now on values of this answer are masked. */
export function takeUp(answer: Answer): void {
  inHand = answer
}

/** The answer whose values are masked now. */
export function answerInHand(): Answer {
  return inHand
}
