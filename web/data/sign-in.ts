// Where the page goes when the gateway no longer knows who looks: to the issuer, and back to what was open. Not after a
// sign-out: an issuer that still knows the person would sign them in again.
import { paths } from '#contract'

/** Heard in every tab of this browser but the one that tells. */
const tabs = new BroadcastChannel('sign-out')
let signingOut: 'here' | 'elsewhere' | undefined

tabs.addEventListener('message', () => {
  signingOut = 'elsewhere'
})

/** The sign-out is on its way, and the browser goes where its answer leads. */
export function signsOut(): void {
  signingOut = 'here'
  tabs.postMessage(null)
}

/** The sign-in has ended. */
export function leave(): void {
  if (signingOut === 'here') return
  const here = location.pathname + location.search
  location.assign(
    signingOut === 'elsewhere'
      ? paths.signOut
      : `${paths.signIn}?return=${encodeURIComponent(here)}`,
  )
}
