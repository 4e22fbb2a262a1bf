// One line of the table that `npm run bench` prints.

export interface Line {
  readonly name: string
  readonly what: string
  readonly value: string
  /** What it must reach (ratios) or stay under (time, memory); empty when nothing is asked. */
  readonly floor: string
  readonly holds: boolean | undefined
  readonly note: string
}

/** Prints lines in columns. */
export function printLines(lines: readonly Line[]): void {
  for (const line of lines) {
    const mark = line.holds === undefined ? ' ' : line.holds ? '✓' : '✗'
    const floor = line.floor === '' ? '' : `(${line.floor})`
    console.log(
      `${mark} ${line.name.padEnd(38)} ${line.what.padEnd(22)} ${line.value.padStart(8)} ${floor.padEnd(8)} ${line.note}`,
    )
  }
}
