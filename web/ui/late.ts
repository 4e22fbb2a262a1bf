// A part of a page that comes by itself, after the page. Where it cannot be had (the gateway went away meanwhile) it is
// asked for again, later and later, and the page around it stands: React would give up the whole page for it.
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'

const FIRST_MS = 1_000
const MOST_MS = 60_000

export function late<Props>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    for (let wait = FIRST_MS; ; wait = Math.min(2 * wait, MOST_MS)) {
      try {
        return { default: await load() }
      } catch {
        // Safe: what stands in its place says that it is still to come.
        await new Promise(resolve => setTimeout(resolve, wait))
      }
    }
  })
}
