// Lengths of time in words.

/** `1 h 30 min`. */
export function lengthOf(seconds: number): string {
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3_600),
    Math.floor((seconds % 3_600) / 60),
    seconds % 60,
  ]
  return (
    [
      hours === 0 ? '' : `${hours} h`,
      minutes === 0 ? '' : `${minutes} min`,
      rest === 0 ? '' : `${rest} s`,
    ]
      .filter(part => part !== '')
      .join(' ') || '0 s'
  )
}
