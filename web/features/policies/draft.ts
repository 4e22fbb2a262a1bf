// What was typed and is not saved: kept in this tab over reloads, and never thrown away by what others do. `base` is the
// text that a change was made to; when the file is another one by now, both stand side by side until a person decides.
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { PoliciesView, PolicyChange } from '#contract'

/** `null`: there is no such file. */
type Text = string | null

interface Edit {
  readonly base: Text
  readonly now: Text
}

type Edits = Readonly<Record<string, Edit>>

export interface Draft {
  /** All files as they would be, with those that would be new; those taken away are not among them. */
  readonly files: readonly { readonly name: string; readonly text: string }[]
  readonly changes: readonly PolicyChange[]
  /** Files that somebody else changed, too. */
  readonly conflicts: readonly string[]
  /** False: it is too large to survive a reload. */
  readonly kept: boolean
  /** What is there now. */
  original(name: string): Text
  change(name: string, text: Text): void
  /** Drops what was typed in a file. */
  drop(name: string): void
  /** Lays what was typed over what is there now. */
  keep(name: string): void
  clear(): void
}

const keyOf = (who: string): string => `sallyport-policies:${who}`

function restored(who: string): Edits {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(who)) ?? '{}')
    return typeof kept === 'object' && kept !== null ? (kept as Edits) : {}
  } catch {
    // Not ours any more: nothing was typed.
    return {}
  }
}

function store(who: string, edits: Edits): boolean {
  try {
    if (Object.keys(edits).length === 0) sessionStorage.removeItem(keyOf(who))
    else sessionStorage.setItem(keyOf(who), JSON.stringify(edits))
    return true
  } catch {
    // The browser's storage is full or off: said on the page.
    return false
  }
}

export function useDraft(view: PoliciesView | undefined, who: string): Draft {
  const [edits, setEdits] = useState<Edits>(() => restored(who))
  const [kept, setKept] = useState(true)
  useEffect(() => setKept(store(who, edits)), [who, edits])
  const originals = useMemo(
    () => new Map(view?.files.map(({ name, text }) => [name, text])),
    [view],
  )
  const original = useCallback((name: string): Text => originals.get(name) ?? null, [originals])
  const change = useCallback(
    (name: string, now: Text) =>
      setEdits(before => {
        const known = before[name]
        const base = known === undefined ? original(name) : known.base
        return now === base && base === original(name)
          ? without(before, name)
          : { ...before, [name]: { base, now } }
      }),
    [original],
  )
  const drop = useCallback((name: string) => setEdits(before => without(before, name)), [])
  const keep = useCallback(
    (name: string) =>
      setEdits(before => {
        const edit = before[name]
        return edit === undefined
          ? before
          : { ...before, [name]: { ...edit, base: original(name) } }
      }),
    [original],
  )
  const clear = useCallback(() => setEdits({}), [])
  return useMemo(() => {
    const open = Object.entries(edits).filter(([name, { now }]) => now !== original(name))
    const files = new Map(originals)
    for (const [name, { now }] of open) {
      if (now === null) files.delete(name)
      else files.set(name, now)
    }
    return {
      files: [...files]
        .map(([name, text]) => ({ name, text }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      changes: open.map(([name, { now }]) => ({ name, text: now })),
      conflicts:
        view === undefined
          ? []
          : open.filter(([name, { base }]) => base !== original(name)).map(([name]) => name),
      kept,
      original,
      change,
      drop,
      keep,
      clear,
    }
  }, [edits, originals, original, view, kept, change, drop, keep, clear])
}

function without(edits: Edits, name: string): Edits {
  const { [name]: _, ...rest } = edits
  return rest
}
