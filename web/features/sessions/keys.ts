// The keys of the player.
import { useEffect, useRef } from 'react'
import type { Player } from './player.ts'

/** Of the player, wherever the focus is but where something is typed or pressed. */
export function useKeys(player: Player): void {
  const held = useRef(player)
  held.current = player
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : undefined
      // Some keyboards have the brackets behind two of these.
      const modified = event.ctrlKey || event.metaKey || event.altKey
      if (modified && event.key !== '[' && event.key !== ']') return
      if (target?.closest('input, textarea, select, a') != null) return
      if (event.key === ' ' && target?.closest('button') != null) return
      const { toggle, step, frame, jump } = held.current
      if (event.key === ' ') toggle()
      else if (event.key === '[') step(-1)
      else if (event.key === ']') step(1)
      else if (event.key === ',') frame(-1)
      else if (event.key === '.') frame(1)
      else if (event.key === 'ArrowLeft') jump(-1)
      else if (event.key === 'ArrowRight') jump(1)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}
