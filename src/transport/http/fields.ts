// Header fields and trailers, in order. Names are lower case and values without blanks around them: whoever makes
// one from the wire has checked both (field-lines.ts). Never changed once made.

export type Field = readonly [name: string, value: string]

export class Fields implements Iterable<Field> {
  static readonly none = new Fields([])

  /** name, value, name, value … */
  readonly flat: readonly string[]

  constructor(flat: readonly string[]) {
    this.flat = flat
  }

  static of(...fields: readonly Field[]): Fields {
    return new Fields(fields.flat())
  }

  get size(): number {
    return this.flat.length / 2
  }

  /** The first value of that name. */
  get(name: string): string | undefined {
    const { flat } = this
    for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return flat[at + 1]
    return undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  all(name: string): readonly string[] {
    const { flat } = this
    const found: string[] = []
    for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) found.push(flat[at + 1]!)
    return found
  }

  /** What a field that is a list says, members in order: quoted commas are not cut at (RFC 9110 section 5.6.1). */
  list(name: string): readonly string[] {
    return this.all(name).flatMap(value =>
      (value.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [])
        .map(member => member.trim())
        .filter(member => member !== ''),
    )
  }

  /** Without those that `drop` names. The same object when there is nothing to drop. */
  without(drop: (name: string, value: string) => boolean): Fields {
    const { flat } = this
    const kept: string[] = []
    for (let at = 0; at < flat.length; at += 2)
      if (!drop(flat[at]!, flat[at + 1]!)) kept.push(flat[at]!, flat[at + 1]!)
    return kept.length === flat.length ? this : new Fields(kept)
  }

  /** With this one in place of all of that name; it stands last. */
  with(name: string, value: string): Fields {
    const rest = this.without(each => each === name)
    return new Fields([...rest.flat, name, value])
  }

  *[Symbol.iterator](): Iterator<Field> {
    const { flat } = this
    for (let at = 0; at < flat.length; at += 2) yield [flat[at]!, flat[at + 1]!]
  }
}

/**
 * A name as careless readers see it: case and `_` for `-` make no difference to them, so nobody may use these to
 * get a name past a check (CVE-2025-64484, CVE-2026-33433).
 */
export function looseName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}
